"""The Runs tab."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import expect

from ganstyle.recipe import Recipe
from ganstyle.training import Event, Scored, train
from tests.gui.browser.conftest import OpenPage, go_to


def test_link_to_the_runs_tab(open_page: OpenPage, served: Any, runs_folder: Path) -> None:
    page = open_page(link=f"{served.address}?tab=runs")
    expect(page.locator("#runs-curves")).to_contain_text("There are no runs yet")


def test_runs_tab(
    open_page: OpenPage, runs_folder: Path, tiny: Callable[..., dict[str, Any]], photos: Path
) -> None:
    page = open_page()
    go_to(page, "Runs")
    expect(page.locator("#runs-curves")).to_contain_text("There are no runs")
    values = tiny(
        name="tiny",
        steps=3,
        run={"dir": str(runs_folder), "log_every": 1, "sample_every": 1, "save_every": 2},
        score={"every": 1, "content": str(photos), "size": 32},
    )
    curves, rows = page.locator("#runs-curves"), page.locator("#runs-scores").get_by_role("row")

    def look(event: Event) -> None:
        """Look at the page in the midst of the training; nobody clicks."""
        if isinstance(event, Scored) and event.step == 2:
            expect(page.locator("#runs-status")).to_contain_text("Step 2,")
            expect(curves.get_by_text("Losses", exact=True)).to_be_visible()
            said = curves.locator("img.in-light").first.get_attribute("alt")
            assert said
            assert {"content", "style", "tv", "adversarial", "discriminator"} <= set(re.findall(r"\w+", said))
            expect(page.locator("#runs-samples img")).to_have_attribute("alt", re.compile("at step 2$"))
            expect(rows).to_have_count(4)  # the head, and the steps 2, 1 and 0
            expect(rows.nth(1)).to_contain_text("2")

    train(Recipe.parse(values, source="test"), look)
    expect(page.locator("#runs-status")).to_contain_text("Step 3,")
    expect(rows).to_have_count(5)


def test_open_tensorboard(open_page: OpenPage, runs_folder: Path) -> None:
    page = open_page()
    go_to(page, "Runs")
    page.click("#tensorboard")
    link = page.locator("#tensorboard-link a")
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    assert address
    assert address.startswith("http://127.0.0.1:")
    assert "TensorBoard" in httpx.get(address).text
