"""From a painting to a style, in the browser."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, expect

from ganstyle.recipe import Recipe
from ganstyle.runs.state import list_states
from ganstyle.style import load_style, shipped_styles
from ganstyle.training import train
from ganstyle.weights import find_vgg16
from tests.gui.browser.conftest import OpenPage, choose, go_to, ready, set_number, upload

Another = Callable[..., AbstractContextManager[Any]]


def test_training_is_off_unless_asked_for(open_page: OpenPage) -> None:
    page = open_page()
    go_to(page, "Train")
    expect(page.get_by_text("ganstyle gui --train --photos DIR")).to_be_visible()
    expect(page.locator("#train-start")).to_have_count(0)


@pytest.mark.slow
def test_train_stop_and_continue(
    another: Another,
    browser: BrowserContext,
    photo: Path,
    painting: Path,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The run is a usual one: the library continues what the page has stopped."""
    with another("--train", "--photos", photos) as served, browser.new_page() as page:
        page.set_default_timeout(120_000)
        page.goto(served.address)
        go_to(page, "Train")
        page.click("#train-start")
        expect(page.locator(".toast-body")).to_contain_text("Choose a painting first.")
        ready(page, "#train-paintings").locator("input[type=file]").set_input_files(painting)
        expect(page.locator("#train-paintings").get_by_role("link")).to_have_count(1)
        expect(page.get_by_role("radio", name="The server's: 3 photos")).to_be_checked()
        choose(page, "#train-recipe", "quickstart")
        expect(page.get_by_text("A narrow generator on small crops")).to_be_visible()
        set_number(page, "#train-minutes", 30)
        page.click("#train-start")
        status = page.locator("#train-status")
        expect(status).to_contain_text("painting: step", timeout=300_000)
        expect(page.locator("#train-curves img.in-light").first).to_be_visible()
        expect(page.locator("#train-samples img")).to_be_visible()
        expect(page.locator("#train-start")).to_be_disabled()

        with browser.new_page() as other:  # sees the same training, and cannot start a second one
            other.goto(served.address)
            go_to(other, "Train")
            expect(other.locator("#train-status")).to_contain_text("painting: step")
            expect(other.locator("#train-start")).to_be_disabled()

        page.click("#train-stop")
        expect(status).to_contain_text("painting has stopped at step", timeout=120_000)
        run = served.runs / "painting"
        assert len(list_states(run / "checkpoints")) >= 1
        done = load_style(run / "style.safetensors").info["training"]["steps"]

        go_to(page, "Stylize")
        upload(page, "#photo", photo)
        expect(page.locator("#thumbnails button img")).to_have_count(len(shipped_styles()) + 1)
        choose(page, "#style", "painting")
        expect(page.locator("#status")).to_contain_text("in the style painting")

        go_to(page, "Train")
        page.get_by_role("button", name="Continue a run").click()
        expect(page.locator("#train-run input")).to_have_value("painting")
        page.click("#train-resume")
        expect(status).to_contain_text("painting: step", timeout=300_000)
        page.click("#train-stop")
        expect(status).to_contain_text("painting has stopped at step", timeout=120_000)
    later = load_style(run / "style.safetensors").info["training"]["steps"]
    assert later > done
    monkeypatch.setenv("GANSTYLE_VGG16", str(find_vgg16("distilled").path))
    recipe = Recipe.load(run / "recipe.yaml", [f"steps={later + 1}"])
    assert recipe.folder == run
    assert train(recipe).step == later + 1


@pytest.mark.slow
def test_closing_the_gui_saves_the_training(
    another: Another, browser: BrowserContext, painting: Path, photos: Path
) -> None:
    with another("--train", "--photos", photos) as served, browser.new_page() as page:
        page.goto(served.address)
        go_to(page, "Train")
        ready(page, "#train-paintings").locator("input[type=file]").set_input_files(painting)
        expect(page.locator("#train-paintings").get_by_role("link")).to_have_count(1)
        choose(page, "#train-recipe", "quickstart")
        ready(page, "#train-name").get_by_role("textbox").fill("mine")
        page.click("#train-start")
        expect(page.locator("#train-status")).to_contain_text("mine: step", timeout=300_000)
    run = served.runs / "mine"
    deadline = time.monotonic() + 60  # it goes on to save when the interface is gone
    while not list_states(run / "checkpoints") and time.monotonic() < deadline:
        time.sleep(0.2)
    assert len(list_states(run / "checkpoints")) >= 1
