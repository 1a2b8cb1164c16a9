"""Several photos in the Stylize tab."""

import zipfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import expect

from ganstyle.images import decode_image, read_image
from ganstyle.style import load_style
from ganstyle.stylize import Controls
from tests.gui.browser.conftest import STYLES, OpenPage, set_number


def test_several_photos_become_a_zip(
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
    page.set_input_files("#batch-photos input[type=file]", [tmp_path / name for name in contents])
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
