from pathlib import Path

import pytest
import torch

from ganstyle import regions
from ganstyle.composed import AnyStyle
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gui.blend import VisitorBlends, add_blend, add_part
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.inputs import Upload
from ganstyle.images import write_image


@pytest.fixture(scope="module")
def styles() -> StyleCatalog:
    return StyleCatalog(None, torch.device("cpu"))


def test_blend_is_added_to_the_styles(styles: StyleCatalog) -> None:
    key = add_blend(styles, "me", "wave", "udnie", 25)
    assert ("wave 75% + udnie 25%", key) in styles.choices("me")


@pytest.mark.parametrize(
    ("style", "other", "percent", "problem"),
    [
        ("wave", None, 50, "choose another style"),
        ("wave", "wave", 50, "choose another style"),
        ("wave", "../secret", 50, "there is no style"),
        ("nothing", "wave", 50, "there is no style"),
        ("wave", "udnie", 100, "share 100"),
        ("wave", "udnie", float("nan"), "share nan"),
    ],
)
def test_invalid_blends_are_refused(
    styles: StyleCatalog, style: str, other: str | None, percent: float, problem: str
) -> None:
    with pytest.raises(GanstyleError, match=problem):
        add_blend(styles, "me", style, other, percent)


@pytest.mark.parametrize("parts", [False, True])
def test_blends_of_a_visitor_are_bounded(styles: StyleCatalog, parts: bool) -> None:
    mask, blends = torch.rand(1, 1, 30, 40), VisitorBlends()

    def add(session: str, base: str = "wave") -> str:
        if parts:
            return blends.add_part(session, base, mask, "udnie", styles.label)
        return blends.add(session, {base: 0.5, "udnie": 0.5}, styles.label)

    key = "wave"
    for _ in range(24):
        key = add("me", key)
    with pytest.raises(GanstyleError, match=r"there are 24 .* already.*reload the page"):
        add("me")
    assert len(blends.choices("me")) == 24  # those that were made can still be chosen
    assert blends.painter(key, styles.__getitem__)
    add("other")
    blends.forget("me")
    add("me")


def test_masks_are_kept_in_8_bits(styles: StyleCatalog) -> None:
    """A visitor's masks, each of up to 4 million pixels, stay in memory."""
    blends, mask = VisitorBlends(), torch.linspace(0, 1, 1200).reshape(1, 1, 30, 40)
    key = blends.add_part("me", "wave", mask, "udnie", styles.label)
    ((kept, _),) = blends._blends[key].parts
    assert kept.dtype == torch.uint8
    torch.testing.assert_close(kept / 255, mask, atol=0.5 / 255 + 1e-6, rtol=0)


def mask_of(folder: Path, name: str, columns: slice, size: tuple[int, int] = (30, 40)) -> Upload:
    """A mask that is white in some columns."""
    image = torch.zeros(1, 3, *size)
    image[..., columns] = 1
    write_image(image, folder / name)
    return Upload(folder / name, name)


def test_each_region_is_painted_in_its_style(styles: StyleCatalog, tmp_path: Path) -> None:
    left, right = mask_of(tmp_path, "l.png", slice(0, 10)), mask_of(tmp_path, "r.png", slice(30, 40))
    blended = add_blend(styles, "me", "wave", "udnie", 50)
    key = add_part(styles, "me", "wave", left, "starry_night")
    key = add_part(styles, "me", key, right, blended)
    assert styles.label(key) == "wave, starry_night in a part, wave 50% + udnie 50% in a part"
    assert (styles.label(key), key) in styles.choices("me")
    photo = torch.rand(1, 3, 60, 80)
    pairs: list[tuple[Path, AnyStyle]] = [(left.path, "starry_night"), (right.path, styles.painter(blended))]
    torch.testing.assert_close(
        styles.painter(key).paint(photo), regions(pairs, base="wave").paint(photo), atol=1e-5, rtol=0
    )
    with pytest.raises(ImageError, match="40x30 pixels and the photo 80x80"):
        styles.painter(key).paint(torch.rand(1, 3, 80, 80))
    styles.forget("me")
    with pytest.raises(GanstyleError, match="there is no style"):
        styles.painter(key)


def test_invalid_regions_are_refused(styles: StyleCatalog, tmp_path: Path) -> None:
    mask, black = mask_of(tmp_path, "m.png", slice(0, 10)), mask_of(tmp_path, "b.png", slice(0))
    (tmp_path / "x.png").write_text("no image")
    part = add_part(styles, "me", "wave", mask, "udnie")
    for style, upload, other, problem in (
        ("wave", None, "udnie", "choose a mask"),
        ("wave", mask, None, "choose a mask"),
        ("nothing", mask, "udnie", "there is no style"),
        ("wave", mask, "../secret", "there is no style"),
        ("wave", black, "udnie", "all black"),
        ("wave", Upload(tmp_path / "x.png", "x.png"), "udnie", "x.png: "),
        ("wave", mask, part, "has parts"),
    ):
        with pytest.raises(GanstyleError, match=problem):
            add_part(styles, "me", style, upload, other)
    with pytest.raises(GanstyleError, match="has parts"):
        add_blend(styles, "me", part, "starry_night", 50)
