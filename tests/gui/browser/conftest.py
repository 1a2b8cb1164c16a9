"""A browser that opens the interface, and what all its tests do there."""

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import (
    BrowserContext,
    ConsoleMessage,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from ganstyle.images import read_image, resize_shorter, write_image
from ganstyle.shipped import EXAMPLE_PHOTO
from ganstyle.style import shipped_styles
from tests.gui.conftest import Served

expect.set_options(timeout=60_000)

OpenPage = Callable[..., Page]

STYLES = [*shipped_styles(), "mine"]

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or "/usr/bin/chromium"
_CHROMIUM_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
)

# Nothing moves, and scripts draw ten times a second: without a GPU, drawing would cost more than all else.
_NO_ANIMATIONS = """
const style = document.createElement("style");
style.textContent = "*, ::before, ::after { animation: none !important; transition: none !important; }";
new MutationObserver((_, observer) => {
    if (document.head) { document.head.append(style); observer.disconnect(); }
}).observe(document, { childList: true, subtree: true });
window.requestAnimationFrame = callback => setTimeout(() => callback(performance.now()), 100);
window.cancelAnimationFrame = clearTimeout;
"""


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the example photo, under a name of its own."""
    return _copy_of_example(tmp_path_factory.mktemp("upload"), 128)


@pytest.fixture(scope="session")
def large_photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A larger copy, on which a job is not over before a slow browser has stopped it."""
    return _copy_of_example(tmp_path_factory.mktemp("upload"), 256)


def _copy_of_example(folder: Path, side: int) -> Path:
    path = folder / "my portrait.jpg"
    write_image(resize_shorter(read_image(EXAMPLE_PHOTO), side), path)
    return path


def ready(page: Page, where: str) -> Locator:
    """Return what takes a value, once it keeps it.

    When a tab or a section opens, Gradio sets the values in it anew a frame later, whatever they are by then.
    """
    found = page.locator(where)
    expect(found).to_be_visible()
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return found


def go_to(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()
    ready(page, f"[role=tab][aria-selected=true]:has-text('{tab}')")


def upload(page: Page, where: str, path: Path) -> None:
    ready(page, where).locator("input[type=file]").set_input_files(path)
    expect(page.locator(f"{where} img").first).to_be_visible()


def set_number(page: Page, where: str, value: float) -> None:
    number = ready(page, f"{where} input[type=number]")
    number.fill(str(value))
    number.press("Enter")


def choose(page: Page, where: str, option: str) -> None:
    ready(page, f"{where} input").click()
    page.get_by_role("option", name=option).click()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """A browser with one profile for all pages, so that it compiles Gradio's scripts once."""
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium; on Debian: apt-get install chromium")
    folder = tmp_path_factory.mktemp("browser")
    camera = folder / "camera.y4m"
    gray_ramp = bytes(range(0, 240, 2)) * 90
    camera.write_bytes(
        b"YUV4MPEG2 W120 H90 F5:1 Ip C420jpeg\nFRAME\n" + gray_ramp + bytes([128]) * (60 * 45 * 2)
    )
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch_persistent_context(
            folder / "profile",
            executable_path=CHROMIUM,
            args=[*_CHROMIUM_ARGUMENTS, f"--use-file-for-fake-video-capture={camera}"],
            reduced_motion="reduce",
        )
        chromium.set_default_timeout(60_000)
        chromium.add_init_script(_NO_ANIMATIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(served: Served, browser: BrowserContext) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the interface, with a screen of this size, color scheme and permissions.

    The test fails on a request that leaves this machine, an error on the console or in a script, and an
    answer that is an error; but for messages on the console with the text ``forgiven``.
    """
    faults: list[str] = []
    pages: list[Page] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith((served.address, "data:", "blob:")):
            faults.append(f"request to {request.url}")

    def make(
        *,
        forgiven: str | None = None,
        link: str | None = None,
        viewport: tuple[int, int] = (1280, 900),
        color_scheme: Literal["light", "dark"] = "light",
        permissions: Sequence[str] = (),
    ) -> Page:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error" and not (forgiven and forgiven in message.text):
                faults.append(f"console: {message.text}")

        browser.grant_permissions(permissions)
        page = browser.new_page()
        pages.append(page)
        page.set_viewport_size({"width": viewport[0], "height": viewport[1]})
        page.emulate_media(color_scheme=color_scheme)
        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.goto(link or served.address)
        return page

    yield make
    for page in pages:
        page.close()
    browser.clear_permissions()
    browser.clear_cookies()
    assert faults == []
    assert served.strays.read_text() == ""
