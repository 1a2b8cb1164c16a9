"""The Compare tab."""

from pathlib import Path

from playwright.sync_api import expect

from tests.gui.browser.conftest import OpenPage, go_to, set_number, upload


def test_compare_and_cancel(open_page: OpenPage, large_photo: Path, painting: Path) -> None:
    page = open_page()
    go_to(page, "Compare")
    page.click("#compare-start")
    expect(page.locator(".toast-body")).to_contain_text("Choose a photo first.")
    expect(page.locator("#compare-start")).to_be_enabled()
    upload(page, "#compare-photo", large_photo)
    upload(page, "#compare-painting", painting)
    set_number(page, "#compare-size", 64)
    set_number(page, "#compare-steps", 3)
    page.click("#compare-start")
    result = page.locator("#compare-result")
    expect(result.locator("figure img")).to_have_count(4)
    expect(result.locator("figcaption strong")).to_have_text(
        ["Photo", "GAN", "Gatys", "Gatys in the GAN’s time"]
    )
    expect(result.get_by_role("row")).to_have_count(4)
    for method in ("GAN", "Gatys"):
        cells = result.get_by_role("row", name=method).first.get_by_role("cell").all_inner_texts()
        content, style, seconds = (float(cell) for cell in cells[:3])
        assert 0 < content < 10
        assert 0 < style < 10
        assert seconds > 0

    set_number(page, "#compare-size", 256)  # so that it is not over before the click
    set_number(page, "#compare-steps", 500)
    page.click("#compare-start")
    expect(page.locator("#compare-status")).to_contain_text("Gatys (2 of 3), step")
    page.click("#compare-cancel")
    expect(page.locator("#compare-status")).to_contain_text("Cancelled.")
    expect(page.locator("#compare-start")).to_be_enabled()
