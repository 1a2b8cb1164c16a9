"""The Optimize tab."""

from pathlib import Path

from playwright.sync_api import expect

from ganstyle.images import read_image, resize_shorter
from tests.gui.browser.conftest import OpenPage, go_to, set_number, upload


def test_optimize_and_stop(open_page: OpenPage, large_photo: Path, painting: Path, tmp_path: Path) -> None:
    page = open_page()
    go_to(page, "Optimize")
    upload(page, "#optimize-photo", large_photo)
    upload(page, "#optimize-painting", painting)
    set_number(page, "#optimize-size", 256)  # so that it is not over before the click
    set_number(page, "#steps", 500)
    page.click("#optimize-start")
    expect(page.locator("#optimize-picture img")).to_be_visible()
    expect(page.locator("#optimize-curve img.in-light")).to_be_visible()
    expect(page.locator("#optimize-start")).to_be_disabled()
    page.click("#optimize-stop")
    expect(page.locator("#optimize-status")).to_contain_text("Stopped; this is the best so far")
    expect(page.locator("#optimize-start")).to_be_enabled()
    with page.expect_download() as download:
        page.click("#optimize-download")
    assert download.value.suggested_filename == "my portrait-optimized.png"
    got = tmp_path / "got.png"
    download.value.save_as(got)
    small = resize_shorter(read_image(large_photo), 256)
    assert read_image(got).shape == small.shape
    assert (read_image(got) - small).abs().mean() > 0.01
