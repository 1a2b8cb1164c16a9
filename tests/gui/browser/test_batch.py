"""Several photos in the Stylize tab."""

import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from ganstyle.images import decode_image, read_image
from ganstyle.style import load_style
from ganstyle.stylize import Controls
from tests.gui.browser.conftest import STYLES, OpenPage, ready, set_number, upload


def test_batch_download_is_a_zip(
    open_page: OpenPage, png: Callable[..., bytes], tmp_path: Path, styles_folder: Path
) -> None:
    contents = {"a/me.png": png(1), "b/me.png": png(2, 48), "text.jpg": b"no picture"}
    for name, content in contents.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    page = open_page()
    page.get_by_role("button", name="Stylize several photos").click()
    page.click("#batch-start")
    expect(page.locator(".toast-body")).to_contain_text("Choose some photos first.")
    photos = ready(page, "#batch-photos").locator("input[type=file]")
    photos.set_input_files([tmp_path / name for name in contents])
    expect(page.locator("#batch-photos").get_by_role("link")).to_have_count(3)  # all have arrived
    set_number(page, "#strength", 0.5)
    page.click("#batch-start")
    status = page.locator("#batch-status")
    expect(status).to_contain_text("2 photos stylized. Skipped: text.jpg: not an image")
    with page.expect_download() as download:
        page.click("#batch-download")
    assert download.value.suggested_filename == f"{STYLES[0]}.zip"
    style, controls = load_style(STYLES[0]), Controls(strength=0.5)
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["me.png", "me (2).png"]
        for name, source in zip(archive.namelist(), contents, strict=False):
            expected = style.paint(read_image(tmp_path / source), controls)
            assert (decode_image(archive.read(name), name) - expected).abs().mean() < 0.01


def test_one_photo_in_every_style_and_history(
    open_page: OpenPage, photo: Path, tmp_path: Path, styles_folder: Path
) -> None:
    page = open_page()
    page.get_by_role("button", name="This photo in every style, at full size").click()
    page.click("#grid-start")
    expect(page.locator(".toast-body")).to_contain_text("Choose a photo first.")
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    set_number(page, "#strength", 0.5)
    page.click("#grid-start")
    expect(page.locator("#grid-status")).to_contain_text(f"Stylized in {len(STYLES)} styles.")
    pictures = page.locator("#grid-pictures button img")
    expect(pictures).to_have_count(len(STYLES))
    shown = page.request.get(pictures.last.get_attribute("src") or "").body()
    style = load_style(styles_folder / "mine.safetensors")
    expected = style.paint(read_image(photo), Controls(strength=0.5))
    assert (decode_image(shown, "shown") - expected).abs().mean() < 0.02  # at full size
    with page.expect_download() as download:
        page.click("#grid-download")
    assert download.value.suggested_filename == "my portrait-in-every-style.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == [f"my portrait-{key}.jpg" for key in STYLES]
        assert archive.read("my portrait-mine.jpg") == shown

    history = page.locator("#history-pictures button img")
    page.get_by_role("button", name="History of this visit").click()
    page.click("#full")
    expect(history).to_have_count(1)
    set_number(page, "#strength", 1)
    page.click("#full")
    expect(history).to_have_count(2)
    page.locator("#history-pictures").get_by_role("button", name="strength 0.5").click()
    expect(page.locator("#strength input[type=number]")).to_have_value("0.5")
