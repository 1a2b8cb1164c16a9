"""One photo in the Stylize tab."""

import base64
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import BrowserContext, Download, Page, expect
from torch import Tensor

from ganstyle.gui.app import QUEUE_FULL
from ganstyle.images import decode_image, read_image, write_image
from ganstyle.recipe import Recipe
from ganstyle.style import load_style, style_from
from ganstyle.stylize import Controls
from ganstyle.stylize.blend import blend_octaves
from ganstyle.training import train
from tests.gui.browser.conftest import STYLES, OpenPage, choose, set_number, upload

FullQueue = Callable[[], AbstractContextManager[None]]


def paint(page: Page) -> Download:
    """Paint the photo at full size, and download what comes of it."""
    page.click("#full")
    with page.expect_download() as download:
        page.click("#download")
    return download.value


def after(page: Page) -> str:
    """Return the address of the picture that the slider shows at its right."""
    address = page.locator("#slider img").last.get_attribute("src")
    assert address
    return address


def wait_for_another(page: Page, picture: str) -> str:
    page.wait_for_function(
        "old => [...document.querySelectorAll('#slider img')].at(-1)?.src != old", arg=picture
    )
    return after(page)


def test_stylize_tab(open_page: OpenPage, photo: Path, styles_folder: Path, tmp_path: Path) -> None:
    page = open_page()
    expect(page.locator("#full")).to_be_disabled()
    upload(page, "#photo", photo)
    expect(page.locator("#thumbnails button img")).to_have_count(len(STYLES))
    expect(page.locator("#slider img")).to_have_count(2)
    expect(page.locator("#status")).to_contain_text(f"my portrait.jpg in the style {STYLES[0]}")
    shown = after(page)

    page.locator("#thumbnails").get_by_role("button").nth(STYLES.index("mine")).click()
    shown = wait_for_another(page, shown)
    expect(page.locator("#status")).to_contain_text("mine")

    set_number(page, "#strength", 0.5)
    shown = wait_for_another(page, shown)
    set_number(page, "#stroke-size", 2)
    shown = wait_for_another(page, shown)
    page.locator("#keep").get_by_role("checkbox").check()
    wait_for_another(page, shown)

    page.click("#full")
    expect(page.locator("#download")).to_contain_text("Download my portrait.jpg")
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == "my portrait.jpg"
    got = tmp_path / "got.jpg"
    download.value.save_as(got)
    # It is a JPEG, as the photo is: its pixels are near those of the library's own result.
    style = load_style(styles_folder / "mine.safetensors")
    controls = Controls(strength=0.5, preserve_color=True, stroke_size=2)
    expected = style.paint(read_image(photo), controls)
    assert (read_image(got) - expected).abs().mean() < 0.02


def test_second_style_in_a_region(open_page: OpenPage, photo: Path, tmp_path: Path) -> None:
    """A mask and a style make a new choice, which is painted at once."""
    image = read_image(photo)
    mask = torch.zeros_like(image)
    mask[..., : image.shape[-1] // 2] = 1
    write_image(mask, tmp_path / "left.png")
    page = open_page()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    shown = after(page)
    page.locator("#region").get_by_role("button", name="Another style in a part").click()
    choose(page, "#region-other", STYLES[1])
    upload(page, "#region-mask", tmp_path / "left.png")
    page.click("#region-add")
    wait_for_another(page, shown)
    expect(page.locator("#status")).to_contain_text(f"{STYLES[0]}, {STYLES[1]} in a part")


def photo_itself(page: Page) -> Tensor:
    """Return the picture that the photo's input shows."""
    address = page.locator("#photo img").first.get_attribute("src")
    assert address
    return decode_image(page.request.get(address).body(), "the photo")


def test_strength_slider_of_a_style_with_learned_strength(
    tiny: Callable[..., dict[str, Any]],
    png: Callable[..., bytes],
    another: Callable[..., AbstractContextManager[Any]],
    browser: BrowserContext,
    tmp_path: Path,
) -> None:
    """The slider tells the generator, and does not fade between the photo and the painting."""
    generator = {"name": "resnet", "width": 4, "blocks": 1, "kernel": 3, "strength": True}
    trained = train(Recipe.parse(tiny(name="learned", generator=generator), source="test")).style
    photo = tmp_path / "photo.png"
    photo.write_bytes(png(5, 64))
    got = tmp_path / "got.png"
    with another("--styles", trained.parents[1]) as served, browser.new_page() as page:
        page.goto(served.address)
        upload(page, "#photo", photo)
        page.locator("#thumbnails button").filter(has_text="learned").click()
        expect(page.locator("#status")).to_contain_text("in the style learned")
        set_number(page, "#strength", 0.5)
        paint(page).save_as(got)
    style, before = load_style(trained), read_image(photo)
    expected = style.paint(before, Controls(strength=0.5))
    faded = blend_octaves(before, style.paint(before), 0.5)
    assert (read_image(got) - expected).abs().max() < 0.01
    assert (faded - expected).abs().max() > 0.05


def test_before_after_slider_by_keyboard(open_page: OpenPage, photo: Path) -> None:
    page = open_page()
    expect(page.locator("#sides")).to_have_count(0)
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    sides = page.locator("#sides")
    expect(sides.get_by_role("radio", name="Both")).to_be_checked()

    # How much of the picture after is cut off at its left, in percent of the whole width.
    cut_off = (
        "parseFloat([...document.querySelectorAll('#slider img')].at(-1).style.clipPath.split(' ').at(-1))"
    )

    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#sides') !== null"):
            break
    # The pictures are narrower than their frame: there is a margin at either side.
    for name, low, high in (("Before", 85, 100), ("Both", 49, 51), ("After", 0, 15)):
        expect(sides.get_by_role("radio", name=name)).to_be_focused()
        page.keyboard.press("Space")
        expect(sides.get_by_role("radio", name=name)).to_be_checked()
        page.wait_for_function(f"{low} <= {cut_off} && {cut_off} <= {high}")
        page.keyboard.press("Tab")


def test_photo_from_the_clipboard(open_page: OpenPage, png: Callable[..., bytes]) -> None:
    content = png(3, 96)
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(
        """async address => {
            const picture = await (await fetch(address)).blob();
            await navigator.clipboard.write([new ClipboardItem({"image/png": picture})]);
        }""",
        f"data:image/png;base64,{base64.b64encode(content).decode()}",
    )
    page.locator("#photo").get_by_role("button", name="Paste from clipboard").click()
    expect(page.locator("#slider img")).to_have_count(2)
    assert torch.equal(photo_itself(page), decode_image(content, "the clipboard's"))
    assert paint(page).suggested_filename == "clipboard.png"


def test_photo_from_the_camera(open_page: OpenPage) -> None:
    page = open_page()
    camera = page.locator("#photo")
    camera.get_by_role("button", name="Capture from camera").click()
    camera.get_by_role("button", name="Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('#photo video')?.videoWidth > 0")
    camera.get_by_role("button", name="capture photo").click()
    expect(page.locator("#slider img")).to_have_count(2)
    taken = photo_itself(page)
    assert taken.std() > 0.05  # the ramp of the fake camera, and no black frame
    assert read_image(paint(page).path()).shape == taken.shape


def test_full_queue_message(open_page: OpenPage, photo: Path, full_queue: FullQueue) -> None:
    """Whatever is asked for then, the same words come, and nothing looks as if it went on."""
    page = open_page(forgiven="429")
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    toast, status = page.locator(".toast-body"), page.locator("#status")
    requests: list[Callable[[], None]] = [
        lambda: set_number(page, "#strength", 0.5),
        lambda: page.click("#full"),
        lambda: page.click("#example"),
    ]
    with full_queue():
        for ask in requests:
            ask()
            expect(toast).to_have_count(1)
            expect(toast).to_contain_text(QUEUE_FULL)
            # After ten seconds it closes by itself, maybe just now.
            toast.get_by_test_id("toast-close").evaluate_all(
                "buttons => buttons.forEach(each => each.click())"
            )
            expect(toast).to_have_count(0)
            expect(page.locator("#cancel")).to_be_hidden()
        # The photo is another one by now, and what belonged to the one before is gone.
        expect(page.locator("#slider, #thumbnails")).to_have_count(0)
        expect(page.locator("#full")).to_be_disabled()
        expect(status).to_have_text("Drop a photo to see it in every style.")


def test_brush_mask_stylizes_only_a_part(open_page: OpenPage, photo: Path, tmp_path: Path) -> None:
    page = open_page()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    page.get_by_role("button", name="Stylize only a part").click()
    canvas = page.locator("#mask canvas").first
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    # The editor takes strokes as soon as the photo in it is a step that can be undone.
    expect(page.locator("#mask").get_by_role("button", name="Undo")).to_be_enabled()
    box = canvas.bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 10, y + 10, steps=4)
    page.mouse.up()
    page.click("#brush")
    expect(page.locator("#status")).to_contain_text("where brushed")
    got = tmp_path / "got.jpg"
    paint(page).save_as(got)
    before, result = read_image(photo), read_image(got)
    changed = (result - before).abs().amax(1)[0] > 0.15
    assert changed[56:72, 56:72].float().mean() > 0.3  # the middle is painted
    assert changed[:16].float().mean() < 0.05  # the top is the photo


def test_refined_painting(open_page: OpenPage, photo: Path, painting: Path, tmp_path: Path) -> None:
    """It is trained on the visitor's photo; stopped before it is better, it stays as it was."""
    page = open_page()
    page.get_by_role("button", name="A painting of your own as the style").click()
    page.click("#refine")
    expect(page.get_by_text("Drop a painting of your own first")).to_be_visible()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    upload(page, "#own-painting", painting)
    expect(page.locator("#status")).to_contain_text("my portrait.jpg in the style painting.png")
    page.click("#refine")
    expect(page.locator("#refine-status")).to_contain_text("Step ")
    expect(page.locator("#refine-samples img")).to_be_visible()
    page.click("#refine-stop")
    expect(page.locator("#refine-status")).to_contain_text("painting.png paints no better than at once")
    expect(page.locator("#style input")).to_have_value("painting.png")
    with page.expect_download() as download:
        page.click("#refine-download")
    download.value.save_as(tmp_path / "mine.safetensors")
    assert load_style(tmp_path / "mine.safetensors").name == "painting"


def test_uploaded_painting_as_style(
    open_page: OpenPage, photo: Path, painting: Path, any_painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is this visitor's style at once."""
    page = open_page()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    page.get_by_role("button", name="A painting of your own as the style").click()
    upload(page, "#own-painting", painting)
    expect(page.locator("#style input")).to_have_value("painting.png")
    expect(page.locator("#status")).to_contain_text("my portrait.jpg in the style painting.png")
    expect(page.locator("#thumbnails button img")).to_have_count(len(STYLES) + 1)
    page.locator("#thumbnails").get_by_role("button").nth(0).click()
    expect(page.locator("#style input")).to_have_value(STYLES[0])
    page.locator("#thumbnails").get_by_role("button").nth(len(STYLES)).click()
    expect(page.locator("#style input")).to_have_value("painting.png")
    expect(page.locator("#status")).to_contain_text("my portrait.jpg in the style painting.png")
    page.click("#full")
    expect(page.locator("#download")).to_contain_text("Download my portrait.jpg")
    with page.expect_download() as download:
        page.click("#download")
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    expected = style_from(painting).paint(read_image(photo))
    assert (read_image(download.value.path()) - expected).abs().mean() < 0.02
    other = open_page()
    other.click("#style input")
    expect(other.get_by_role("option")).to_have_count(len(STYLES))
