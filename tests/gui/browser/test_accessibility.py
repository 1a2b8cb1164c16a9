"""What axe-core finds in every tab, on screens and phones, light and dark.

axe-core is not a dependency: install it with ``npm install axe-core`` and name its file by GANSTYLE_AXE, or
run the tests where ``node_modules`` lies.
"""

import os
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page, expect

from tests.gui.browser.conftest import STYLES, OpenPage, go_to

TABS = ("Stylize", "Optimize", "Compare", "Train", "Runs")
_AXE = Path(os.environ.get("GANSTYLE_AXE") or "node_modules/axe-core/axe.min.js")


@pytest.fixture
def axe() -> str:
    """The source of axe-core."""
    if not _AXE.is_file():
        pytest.skip(f"{_AXE}: there is no axe-core; npm install axe-core, or set GANSTYLE_AXE to axe.min.js")
    return _AXE.read_text(encoding="utf-8")


def open_accordions(page: Page) -> None:
    """Open whatever can be opened, so that nothing is hidden."""
    closed = page.locator("button.label-wrap:not(.open):visible")
    while closed.count():
        closed.first.click()
    page.wait_for_timeout(500)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_no_serious_accessibility_fault(
    open_page: OpenPage, axe: str, width: int, scheme: Literal["light", "dark"]
) -> None:
    page = open_page(viewport=(width, 900), color_scheme=scheme)
    page.click("#example")
    expect(page.locator("#thumbnails button img")).to_have_count(len(STYLES))
    expect(page.locator("#slider img")).to_have_count(2)
    page.evaluate(axe)
    for tab in TABS:
        go_to(page, tab)
        open_accordions(page)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        serious = [
            (fault["id"], [node["html"][:200] for node in fault["nodes"]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], tab
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
