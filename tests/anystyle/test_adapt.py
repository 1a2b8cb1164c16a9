"""Styles of paintings that are trained on the photos that they are to paint."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from torch import Tensor

import ganstyle
from ganstyle.anystyle import adapt, photo_view, refine
from ganstyle.errors import CheckpointError, ImageError
from ganstyle.images import read_image, to_pil
from ganstyle.models.norms import InstanceNorm
from ganstyle.style import Style, load_style


@pytest.fixture(autouse=True)
def _use(any_painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))


@pytest.fixture
def style(painting: Path) -> Style:
    return ganstyle.style_from(painting, refine=0)


@pytest.fixture
def photo(photos: Path) -> Tensor:
    return read_image(photos / "a.png")


def loss_of(style: Style, photo: Tensor) -> float:
    loss = refine.relative_loss(refine.loss_features(), style.target, adapt._STYLE_OCTAVES)
    view = photo_view(photo, style.recipe.style.size)
    with torch.no_grad():
        content, distance = loss(style.generator(view), loss.photo_features(view)).mean()
    return float(content + adapt._STYLE * distance)


def weights(style: Style) -> list[Tensor]:
    return list(style.generator.state_dict().values())


def norms(style: Style) -> list[InstanceNorm]:
    return [module for module in style.generator.modules() if isinstance(module, InstanceNorm)]


def test_more_steps_lower_the_loss(style: Style, photo: Tensor) -> None:
    losses = [
        loss_of(each, photo) for each in (style, style.adapt(photo, steps=4), style.adapt(photo, steps=24))
    ]
    assert losses[0] > losses[1] > losses[2]


def test_every_photo_gains(style: Style, photos: Path) -> None:
    given = [photos / "a.png", photos / "b.jpg"]
    adapted = style.adapt(*given, steps=24)
    for file in given:
        assert loss_of(adapted, read_image(file)) < loss_of(style, read_image(file))
    assert adapted.info["adapted"] == {"photos": 2, "steps": 24}


def test_kinds_of_photos_are_alike(style: Style, photos: Path, photo: Tensor) -> None:
    by_file, by_image, by_tensor = (
        style.adapt(each, steps=2) for each in (photos / "a.png", to_pil(photo), photo)
    )
    batch = style.adapt(torch.cat([photo, photo.flip(3)]), steps=2)
    one_by_one = style.adapt(photo, photo.flip(3), steps=2)
    for first, second in ((by_file, by_image), (by_file, by_tensor), (batch, one_by_one)):
        assert all(map(torch.equal, weights(first), weights(second)))


def test_the_style_stays_and_no_steps_change_nothing(style: Style, photo: Tensor) -> None:
    before = [weight.clone() for weight in weights(style)]
    style.adapt(photo, steps=3)
    same = style.adapt(photo, steps=0)
    assert all(map(torch.equal, weights(style), before))
    assert torch.equal(same(photo), style(photo))


def test_strength_still_begins_at_the_photo(style: Style, photo: Tensor) -> None:
    adapted = style.adapt(photo, steps=10)
    assert torch.equal(adapted(photo, strength=0), photo)
    for before, after in zip(norms(style), norms(adapted), strict=True):
        assert not torch.allclose(before.weight, after.weight, atol=1e-3)
        torch.testing.assert_close(before.at_zero(), after.at_zero(), atol=1e-5, rtol=0)


def test_it_is_saved_and_adapted_again(style: Style, photo: Tensor, tmp_path: Path) -> None:
    adapted = style.adapt(photo, steps=3)
    assert adapted.code is None
    with pytest.raises(CheckpointError, match="has no code"):
        adapted.save_code(tmp_path / "code.safetensors")
    adapted.save(tmp_path / "s.safetensors")
    loaded = load_style(tmp_path / "s.safetensors")
    assert torch.equal(loaded(photo), adapted(photo))
    assert all(
        map(torch.equal, weights(loaded.adapt(photo, steps=2)), weights(adapted.adapt(photo, steps=2)))
    )


def test_each_step_is_told(style: Style, photo: Tensor) -> None:
    told: list[int] = []
    style.adapt(photo, steps=3, on_step=told.append)
    assert told == [1, 2, 3]


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(
    style: Style, photos: Path, mode: Callable[[], AbstractContextManager[None]]
) -> None:
    expected = style.adapt(photos / "a.png", steps=2)
    with mode():
        adapted = style.adapt(read_image(photos / "a.png"), steps=2)
    assert all(map(torch.equal, weights(adapted), weights(expected)))
    for weight in adapted.generator.parameters():
        assert not weight.requires_grad
        assert weight.grad is None


def test_a_step_that_is_not_finite_keeps_the_style(
    style: Style, photo: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapt, "_NORMS_RATE", float("inf"))
    assert all(map(torch.equal, weights(style.adapt(photo, steps=2)), weights(style)))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((600, 900), (256, 384)),
        ((200, 300), (200, 300)),
        ((300, 4000), (256, 512)),
        ((2000, 10), (32, 16)),
        ((1, 1), (16, 16)),
    ],
)
def test_photo_view(shape: tuple[int, int], expected: tuple[int, int]) -> None:
    assert photo_view(torch.rand(1, 3, *shape), 384).shape == (1, 3, *expected)


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (16, 16)])
@pytest.mark.parametrize("value", [None, 0.0, 0.5, 1.0])
def test_odd_photos_make_sound_styles(style: Style, shape: tuple[int, int], value: float | None) -> None:
    photo = torch.rand(1, 3, *shape) if value is None else torch.full((1, 3, *shape), value)
    picture = style.adapt(photo, steps=6)(photo)
    assert picture.shape == photo.shape
    assert bool(picture.isfinite().all())


def test_errors(style: Style, checkpoint: Path, photo: Tensor, photos: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is not a style that was made of a painting"):
        load_style(checkpoint).adapt(photo)
    style.save_code(tmp_path / "code.safetensors")
    with pytest.raises(CheckpointError, match="was made of a code, which does not say"):
        load_style(tmp_path / "code.safetensors").adapt(photo)
    with pytest.raises(ValueError, match="give at least one photo"):
        style.adapt()
    with pytest.raises(ValueError, match="steps must be at least 0, got -1"):
        style.adapt(photo, steps=-1)
    with pytest.raises(ImageError, match=r"missing\.png"):
        style.adapt(photos / "missing.png")
    with pytest.raises(ValueError, match=r"expected a floating-point photo of shape \(B, 3, H, W\)"):
        style.adapt(photo[0])
