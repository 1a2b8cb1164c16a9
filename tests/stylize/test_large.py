from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import Photo, read_image, read_photo, resize, write_image
from ganstyle.models import GENERATORS
from ganstyle.stylize import (
    Controls,
    FileEvent,
    Layer,
    LayeredGenerator,
    PlannedFile,
    folder,
    make_region,
    stylize_image,
    stylize_plan,
)
from ganstyle.stylize.large import stylize_large

pytest.importorskip("pyvips", reason="the extra large is not installed")


def photo(path: Path, height: int = 300, width: int = 420) -> Tensor:
    noise = torch.Generator().manual_seed(0)
    image = resize(torch.rand(1, 3, 6, 8, generator=noise), (height, width))
    image = (image + torch.rand(1, 3, height, width, generator=noise) / 5).clamp(0, 1)
    write_image(image, path)
    return read_image(path)


def lean(strength: bool = True) -> nn.Module:
    torch.manual_seed(0)
    return GENERATORS["lean"](width=4, blocks=1, strength=strength).eval().requires_grad_(False)


@pytest.mark.parametrize(
    "controls",
    [
        Controls(),
        Controls(stroke_size=0),
        Controls(0.7, preserve_color=True, mask=torch.linspace(0, 1, 42).expand(1, 1, 30, 42)),
        Controls(0),
    ],
    ids=["coarse-to-fine", "fine", "controls", "photo"],
)
@pytest.mark.parametrize("strength", [True, False], ids=["trained", "blended"])
def test_large_result_equals_in_memory(tmp_path: Path, controls: Controls, strength: bool) -> None:
    image, generator = photo(tmp_path / "in.png"), lean(strength)
    expected = stylize_image(generator, image, controls, trained_side=60)
    stylize_large(generator, tmp_path / "in.png", tmp_path / "out.png", controls, trained_side=60, tile=100)
    result = read_image(tmp_path / "out.png")
    assert (result - expected).abs().mean() < 1 / 255
    assert (result - expected).abs().max() < 8 / 255
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_large_combined_styles_equal_in_memory(tmp_path: Path, strength: float) -> None:
    image, mask = photo(tmp_path / "in.png"), torch.zeros(1, 1, 30, 42)
    mask[..., :20] = 1
    layers = [
        Layer(lean(), 60, 0.4),
        Layer(lean(strength=False), 90, 0.6),
        Layer(lean(), 60, region=make_region(mask)),
    ]
    controls = Controls(strength, mask=mask.flip(2))
    for generator in (LayeredGenerator(layers), LayeredGenerator(layers[2:])):
        expected = stylize_image(generator, image, controls)
        target = tmp_path / "out.png"
        stylize_large(generator, tmp_path / "in.png", target, controls, trained_side=1, tile=100)
        assert (read_image(target) - expected).abs().mean() < 1 / 255
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in.png", "out.png"]


def test_large_photo_with_mismatched_region_mask(tmp_path: Path) -> None:
    photo(tmp_path / "in.png")
    generator = LayeredGenerator(
        [Layer(lean(), 60, region=make_region(torch.ones(1, 1, 20, 20), name="a.png"))]
    )
    with pytest.raises(ImageError, match=r"in\.png: a\.png: the mask has 20x20 pixels and the photo 420x300"):
        stylize_large(generator, tmp_path / "in.png", tmp_path / "out.png", Controls(), trained_side=60)


def test_large_photos_are_streamed_from_file_to_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LARGE", 50_000)
    read: list[Path] = []

    def watched(path: Path, **_: object) -> Photo:
        read.append(path)
        return read_photo(path)

    monkeypatch.setattr(folder, "read_photo", watched)
    plan = []
    for name, size in (("large.jpg", (300, 420)), ("small.jpg", (30, 42))):
        photo(tmp_path / name, *size)
        plan.append(PlannedFile(tmp_path / name, tmp_path / "out" / name))
    summary = stylize_plan(lean(), plan, trained_side=60)
    assert summary.done == 2
    assert read == [tmp_path / "small.jpg"]
    expected = stylize_image(lean(), read_image(tmp_path / "large.jpg"), trained_side=60)
    assert (read_image(tmp_path / "out" / "large.jpg") - expected).abs().mean() < 3 / 255


def test_large_file_of_several_pictures_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "LARGE", 50_000)
    scan = Image.new("RGB", (420, 300), "gray")
    scan.save(tmp_path / "a.tif", save_all=True, append_images=[scan.resize((42, 30))])
    scan.save(tmp_path / "b.tif")
    plan = [PlannedFile(tmp_path / name, tmp_path / "out" / f"{name}.png") for name in ("a.tif", "b.tif")]
    events: list[FileEvent] = []
    stylize_plan(lean(), plan, trained_side=300, on_event=events.append)
    assert [(event.status, event.note) for event in events] == [
        ("done", "holds several pictures; only the first is painted"),
        ("done", ""),
    ]


def test_large_failure_leaves_no_files(tmp_path: Path) -> None:
    photo(tmp_path / "in.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "in.png").read_bytes()[:20000])
    for source, controls, problem in (
        ("cut.png", Controls(), "damaged"),
        ("in.png", Controls(mask=torch.rand(1, 1, 20, 20)), "aspect ratio"),
    ):
        with pytest.raises(GanstyleError, match=problem):
            stylize_large(lean(), tmp_path / source, tmp_path / "o" / "out.png", controls, trained_side=60)
    assert list((tmp_path / "o").iterdir()) == []


def test_large_image_exceeds_its_format(tmp_path: Path) -> None:
    photo(tmp_path / "in.png", 20, 17000)
    with pytest.raises(ImageError, match=r"out\.webp: cannot be written as WEBP .*; try \.png or \.tif"):
        stylize_large(
            lean(), tmp_path / "in.png", tmp_path / "out.webp", Controls(stroke_size=0), trained_side=60
        )
