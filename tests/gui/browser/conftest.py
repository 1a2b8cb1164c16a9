"""A browser that opens the interface, and what all its tests do there."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

from ganstyle.gui.context import EXAMPLE_PHOTO
from ganstyle.images import read_image, resize_shorter, write_image
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


@pytest.fixture(scope="session")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small copy of the example photo, under a name of its own."""
    path = tmp_path_factory.mktemp("upload") / "my portrait.jpg"
    write_image(resize_shorter(read_image(EXAMPLE_PHOTO), 192), path)
    return path


def go_to(page: Page, tab: str) -> None:
    page.get_by_role("tab", name=tab).click()


def upload(page: Page, where: str, path: Path) -> None:
    page.set_input_files(f"{where} input[type=file]", path)
    expect(page.locator(f"{where} img").first).to_be_visible()


def set_number(page: Page, where: str, value: float) -> None:
    page.fill(f"{where} input[type=number]", str(value))
    page.press(f"{where} input[type=number]", "Enter")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=_CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(served: Served, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Return a function that opens the interface; keywords are those of Playwright's contexts.

    The test fails on a request that leaves this machine, an error on the console or in a script, and an
    answer that is an error; but for messages on the console with the text ``forgiven``.
    """
    faults: list[str] = []
    contexts = []

    def on_request(request: Request) -> None:
        if not request.url.startswith((served.address, "data:", "blob:")):
            faults.append(f"request to {request.url}")

    def make(*, forgiven: str | None = None, link: str | None = None, **options: Any) -> Page:
        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error" and not (forgiven and forgiven in message.text):
                faults.append(f"console: {message.text}")

        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | options)
        context.set_default_timeout(60_000)
        contexts.append(context)
        page = context.new_page()
        page.on("request", on_request)
        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.goto(link or served.address)
        return page

    yield make
    for context in contexts:
        context.close()
    assert faults == []
    assert served.strays.read_text() == ""
