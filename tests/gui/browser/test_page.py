"""What concerns the whole page: links that keep settings, its API panel, phones, and the end of a visit."""

import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import BrowserContext, Page, Route, expect

from ganstyle.gui.app import ENDPOINTS
from tests.gui.browser.conftest import STYLES, OpenPage, choose, go_to, set_number, upload


def wait_for_link(page: Page, settings: dict[str, str]) -> None:
    """Wait until the page's address has exactly these settings."""
    page.wait_for_url(lambda address: dict(httpx.URL(address).params) == settings)


def test_links_keep_the_settings(open_page: OpenPage, served: Any) -> None:
    page = open_page()
    expect(page.locator("#style input")).to_have_value(STYLES[0])
    assert page.url == served.address
    set_number(page, "#strength", 0.5)
    page.locator("#keep").get_by_role("checkbox").check()
    choose(page, "#style", "mine")
    go_to(page, "Optimize")
    set_number(page, "#steps", 7)
    settings = {"style": "mine", "strength": "0.5", "keep_colors": "true", "tab": "optimize", "steps": "7"}
    wait_for_link(page, settings)
    other = open_page(link=page.url)
    expect(other.locator("#steps input[type=number]")).to_have_value("7")
    go_to(other, "Stylize")
    expect(other.locator("#style input")).to_have_value("mine")
    expect(other.locator("#strength input[type=number]")).to_have_value("0.5")
    expect(other.locator("#keep").get_by_role("checkbox")).to_be_checked()
    del settings["tab"]
    wait_for_link(other, settings)


def test_links_keep_settings_chosen_while_the_page_loads(
    open_page: OpenPage, browser: BrowserContext, served: Any
) -> None:
    """The server's answer with the settings of the link comes late."""
    held: list[Route] = []
    browser.route("**/gradio_api/run/predict*", lambda route: held.append(route))
    try:
        page = open_page(link=f"{served.address}?strength=0.5&keep_colors=true")
        set_number(page, "#stroke-size", 2)
        go_to(page, "Optimize")
        assert held
        assert page.url == f"{served.address}?strength=0.5&keep_colors=true"
    finally:
        browser.unroute_all()  # lets those that are held go on
    wait_for_link(page, {"strength": "0.5", "keep_colors": "true", "stroke_size": "2", "tab": "optimize"})


def test_invalid_link_keeps_the_defaults(open_page: OpenPage, served: Any) -> None:
    page = open_page(link=f"{served.address}?style=/etc/passwd&strength=99&tab=nosuch&other=<b>&steps=x")
    expect(page.locator("#style input")).to_have_value(STYLES[0])
    expect(page.locator("#strength input[type=number]")).to_have_value("1")


def test_api_is_documented_in_the_page(open_page: OpenPage) -> None:
    page = open_page(
        forgiven="status of 40"
    )  # Gradio's panel also asks for its monitoring and its MCP server
    page.get_by_role("button", name="Use via API").click()
    for name in ENDPOINTS:
        expect(
            page.get_by_role("heading", name=f"/{name}").or_(page.get_by_text(f"/{name}")).first
        ).to_be_visible()


def test_mobile_layout_in_dark_mode(open_page: OpenPage) -> None:
    """Nothing is wider than the screen, and whatever can be used has a name that can be said."""
    page = open_page(viewport=(390, 844), color_scheme="dark")
    page.click("#example")
    expect(page.locator("#thumbnails button img")).to_have_count(len(STYLES))
    assert page.evaluate("document.body.classList.contains('dark')")
    for tab in ("Stylize", "Optimize", "Compare", "Train", "Runs"):
        go_to(page, tab)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        assert page.evaluate(NAMELESS) == [], tab


NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, a[href], [role=tab]")]
  .filter(e => e.checkVisibility())
  .filter(e => !(e.getAttribute("aria-label") || e.title || e.innerText?.trim() || e.labels?.length ||
    e.getAttribute("aria-labeledby") || e.querySelector("img[alt]:not([alt=''])")))
  .map(e => e.outerHTML.slice(0, 200))"""


def test_visit_leaves_no_files(open_page: OpenPage, photo: Path, served: Any) -> None:
    def files() -> set[Path]:
        paths = (path for path in served.paths() if path.is_file())
        return {path for path in paths if path.name == photo.name or "session-" in str(path.parent)}

    before = files()  # of other visitors
    page = open_page()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    assert files() - before
    page.close()
    deadline = time.monotonic() + 30
    while files() - before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert files() - before == set()
