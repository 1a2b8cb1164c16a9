"""The five things that people do, done with a browser on real input."""

import base64
import re
import time
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from playwright.sync_api import Browser, Download, Page, expect
from torch import Tensor

from ganstyle.gui.api import ENDPOINTS
from ganstyle.gui.context import EXAMPLE_PHOTO
from ganstyle.gui.middleware import QUEUE_FULL
from ganstyle.images import decode_image, read_image, resize_shorter, write_image
from ganstyle.recipe import Recipe
from ganstyle.style import load_style, shipped_styles
from ganstyle.stylize import Controls
from ganstyle.stylize.blend import blend_octaves
from ganstyle.training import Event, Scored, train

expect.set_options(timeout=60_000)

OpenPage = Callable[..., Page]
FullQueue = Callable[[], AbstractContextManager[None]]

STYLES = [*shipped_styles(), "mine"]


@pytest.fixture(scope="module")
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


def test_stylize(open_page: OpenPage, photo: Path, styles_folder: Path, tmp_path: Path) -> None:
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


def photo_itself(page: Page) -> Tensor:
    """Return the picture that the photo's input shows."""
    address = page.locator("#photo img").first.get_attribute("src")
    assert address
    return decode_image(page.request.get(address).body(), "the photo")


def test_a_style_that_learned_strength(
    tiny: Callable[..., dict[str, Any]],
    png: Callable[..., bytes],
    another: Callable[..., AbstractContextManager[Any]],
    browser: Browser,
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


def test_before_and_after_by_keyboard(open_page: OpenPage, photo: Path) -> None:
    page = open_page()
    expect(page.locator("#sides")).to_have_count(0)
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    sides = page.locator("#sides")
    expect(sides.get_by_role("radio", name="Both")).to_be_checked()

    def cut_off() -> float:
        """Return how much of the picture after is cut off at its left, in percent of the whole width."""
        clip = page.locator("#slider img").last.evaluate("e => e.style.clipPath")
        return float(clip.rpartition(" ")[2].rstrip("%)"))

    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#sides') !== null"):
            break
    # The pictures are narrower than their frame: there is a margin at either side.
    for name, low, high in (("Before", 85, 100), ("Both", 49, 51), ("After", 0, 15)):
        expect(sides.get_by_role("radio", name=name)).to_be_focused()
        page.keyboard.press("Space")
        expect(sides.get_by_role("radio", name=name)).to_be_checked()
        page.wait_for_timeout(500)
        assert low <= cut_off() <= high, name
        page.keyboard.press("Tab")


def test_a_photo_from_the_clipboard(open_page: OpenPage, png: Callable[..., bytes]) -> None:
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


def test_a_photo_from_the_camera(open_page: OpenPage) -> None:
    page = open_page()
    camera = page.locator("#photo")
    camera.get_by_role("button", name="Capture from camera").click()
    camera.get_by_role("button", name="Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('#photo video')?.videoWidth > 0")
    camera.get_by_role("button", name="capture photo").click()
    expect(page.locator("#slider img")).to_have_count(2)
    taken = photo_itself(page)
    assert taken.std() > 0.05  # Chromium's own moving picture, and no black frame
    assert read_image(paint(page).path()).shape == taken.shape


def test_a_full_queue(open_page: OpenPage, photo: Path, full_queue: FullQueue) -> None:
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
            toast.get_by_test_id("toast-close").click()
            expect(toast).to_have_count(0)
            expect(page.locator("#cancel")).to_be_hidden()
        # The photo is another one by now, and what belonged to the one before is gone.
        expect(page.locator("#slider, #thumbnails")).to_have_count(0)
        expect(page.locator("#full")).to_be_disabled()
        expect(status).to_have_text("Drop a photo to see it in every style.")


def test_the_brush_paints_only_a_part(open_page: OpenPage, photo: Path, tmp_path: Path) -> None:
    page = open_page()
    upload(page, "#photo", photo)
    expect(page.locator("#slider img")).to_have_count(2)
    page.get_by_role("button", name="Stylize only a part").click()
    canvas = page.locator("#mask canvas").first
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    for _ in range(20):  # the editor takes strokes only some time after it is seen
        box = canvas.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 10, y + 10, steps=4)
        page.mouse.up()
        page.click("#brush")
        page.wait_for_timeout(500)
        if "where brushed" in page.inner_text("#status"):
            break
    got = tmp_path / "got.jpg"
    paint(page).save_as(got)
    before, result = read_image(photo), read_image(got)
    changed = (result - before).abs().amax(1)[0] > 0.15
    assert changed[84:108, 84:108].float().mean() > 0.3  # the middle is painted
    assert changed[:24].float().mean() < 0.05  # the top is the photo


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


def test_links_keep_the_settings(open_page: OpenPage, served: Any) -> None:
    page = open_page()
    expect(page.locator("#style input")).to_have_value(STYLES[0])
    assert page.url == served.address
    set_number(page, "#strength", 0.5)
    page.locator("#keep").get_by_role("checkbox").check()
    page.click("#style input")
    page.get_by_role("option", name="mine").click()
    go_to(page, "Optimize")
    set_number(page, "#steps", 7)
    page.wait_for_url(re.compile("steps=7"))
    link = page.url
    assert set(httpx.URL(link).params.items()) == {
        *(
            ("style", "mine"),
            ("strength", "0.5"),
            ("keep_colors", "true"),
            ("tab", "optimize"),
            ("steps", "7"),
        )
    }
    other = open_page(link=link)
    expect(other.locator("#steps input[type=number]")).to_have_value("7")
    go_to(other, "Stylize")
    expect(other.locator("#style input")).to_have_value("mine")
    expect(other.locator("#strength input[type=number]")).to_have_value("0.5")
    expect(other.locator("#keep").get_by_role("checkbox")).to_be_checked()
    assert set(httpx.URL(other.url).params.items()) == set(httpx.URL(link).params.items()) - {
        ("tab", "optimize")
    }


def test_a_link_that_is_wrong_changes_nothing(open_page: OpenPage, served: Any) -> None:
    page = open_page(link=f"{served.address}?style=/etc/passwd&strength=99&tab=nosuch&other=<b>&steps=x")
    expect(page.locator("#style input")).to_have_value(STYLES[0])
    expect(page.locator("#strength input[type=number]")).to_have_value("1")


def test_a_link_to_the_runs(open_page: OpenPage, served: Any, runs_folder: Path) -> None:
    page = open_page(link=f"{served.address}?tab=runs")
    expect(page.locator("#runs-curves")).to_contain_text("There are no runs yet")


def test_the_api_is_documented_in_the_page(open_page: OpenPage) -> None:
    page = open_page(
        forgiven="status of 40"
    )  # Gradio's panel also asks for its monitoring and its MCP server
    page.get_by_role("button", name="Use via API").click()
    for name in ENDPOINTS:
        expect(
            page.get_by_role("heading", name=f"/{name}").or_(page.get_by_text(f"/{name}")).first
        ).to_be_visible()


def test_optimize_and_stop(open_page: OpenPage, photo: Path, painting: Path, tmp_path: Path) -> None:
    page = open_page()
    go_to(page, "Optimize")
    upload(page, "#optimize-photo", photo)
    upload(page, "#optimize-painting", painting)
    set_number(page, "#optimize-size", 64)
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
    small = resize_shorter(read_image(photo), 64)
    assert read_image(got).shape == small.shape
    assert (read_image(got) - small).abs().mean() > 0.01


def test_compare_and_cancel(open_page: OpenPage, photo: Path, painting: Path) -> None:
    page = open_page()
    go_to(page, "Compare")
    page.click("#compare-start")
    expect(page.locator(".toast-body")).to_contain_text("Choose a photo first.")
    expect(page.locator("#compare-start")).to_be_enabled()
    upload(page, "#compare-photo", photo)
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

    set_number(page, "#compare-steps", 500)
    page.click("#compare-start")
    expect(page.locator("#compare-status")).to_contain_text("Gatys (2 of 3), step")
    page.click("#compare-cancel")
    expect(page.locator("#compare-status")).to_contain_text("Cancelled.")
    expect(page.locator("#compare-start")).to_be_enabled()


def test_runs(
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


def test_tensorboard(open_page: OpenPage, runs_folder: Path) -> None:
    page = open_page()
    go_to(page, "Runs")
    page.click("#tensorboard")
    link = page.locator("#tensorboard-link a")
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    assert address
    assert address.startswith("http://127.0.0.1:")
    assert "TensorBoard" in httpx.get(address).text


def test_on_a_telephone_in_the_dark(open_page: OpenPage) -> None:
    """Nothing is wider than the screen, and whatever can be used has a name that can be said."""
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.click("#example")
    expect(page.locator("#thumbnails button img")).to_have_count(len(STYLES))
    assert page.evaluate("document.body.classList.contains('dark')")
    for tab in ("Stylize", "Optimize", "Compare", "Runs"):
        go_to(page, tab)
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        assert page.evaluate(NAMELESS) == [], tab


NAMELESS = """() => [...document.querySelectorAll("button, input, select, textarea, a[href], [role=tab]")]
  .filter(e => e.checkVisibility())
  .filter(e => !(e.getAttribute("aria-label") || e.title || e.innerText?.trim() || e.labels?.length ||
    e.getAttribute("aria-labeledby") || e.querySelector("img[alt]:not([alt=''])")))
  .map(e => e.outerHTML.slice(0, 200))"""


def test_a_visit_leaves_nothing(open_page: OpenPage, photo: Path, served: Any) -> None:
    def files() -> set[Path]:
        found = [*served.temporary.rglob("session-*/*/*"), *served.temporary.rglob(photo.name)]
        return {path for path in found if path.is_file()}

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
