from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganstyle.data import StyleImages
from ganstyle.evaluate import EvaluationModels
from ganstyle.evaluate.methods import Painted, gatys_method, generator_method, warm_up
from ganstyle.gatys import GatysSettings, StopOptimization, optimize
from ganstyle.images import read_image, resize_shorter
from ganstyle.metrics import StyleReference
from ganstyle.style import load_style
from tests.reflected import paint_reflected


@pytest.fixture
def photo(photos: Path) -> torch.Tensor:
    return resize_shorter(read_image(photos / "a.png"), 24)


@pytest.fixture
def reference(models: EvaluationModels, painting: Path) -> StyleReference:
    return StyleReference.of_paintings(models.features, StyleImages(painting), 24)


def nothing(step: int, steps: int) -> None:
    pass


def test_generator_method(make_style: Callable[..., Path], photo: torch.Tensor) -> None:
    style = load_style(make_style())
    method = generator_method(style, "generator", "GAN")
    painted = method.paint(photo, 0.0, nothing)
    assert torch.equal(painted.picture, paint_reflected(style.generator, photo))
    assert painted.seconds > 0
    assert method.training_seconds == 120.0
    assert "trained in 7 steps against a patchgan discriminator, on strokes as large as" in method.detail
    plain = generator_method(load_style(make_style(discriminator=None, info={})), "x", "X")
    assert "parameters, trained without a discriminator" in plain.detail
    assert plain.training_seconds is None


@pytest.mark.usefixtures("short_gatys")
def test_gatys_method_with_defaults(
    models: EvaluationModels, reference: StyleReference, photo: torch.Tensor
) -> None:
    steps: list[tuple[int, int]] = []
    method = gatys_method(reference, models.features, "gatys", "Gatys", in_time=False)
    painted = method.paint(photo, 0.0, lambda step, most: steps.append((step, most)))
    assert reference.paintings
    expected = optimize(
        photo, reference.paintings.images, features=models.features, settings=GatysSettings(steps=3)
    )
    torch.testing.assert_close(painted.picture, expected.image)
    assert painted.note == "3 steps"
    assert steps == [(1, 3), (2, 3), (3, 3)]
    assert (
        "defaults of ganstyle optimize: lbfgs, 3 steps, auto scales, 4 octaves, weights: content 1"
        in method.detail
    )


def test_gatys_method_with_fewer_steps(
    models: EvaluationModels, reference: StyleReference, photo: torch.Tensor
) -> None:
    method = gatys_method(reference, models.features, "gatys", "Gatys", in_time=False, steps=2)
    assert method.paint(photo, 0.0, nothing).note == "2 steps"
    assert "lbfgs, 2 steps, auto scales" in method.detail


@pytest.mark.usefixtures("short_gatys")
def test_gatys_without_the_painting_aims_at_its_gram_matrices(
    models: EvaluationModels, reference: StyleReference, photo: torch.Tensor
) -> None:
    blind = StyleReference(reference.target, "Gram matrices", None)
    pictures = [
        gatys_method(each, models.features, "gatys", "Gatys", in_time=False).paint(photo, 0.0, nothing)
        for each in (reference, blind)
    ]
    # At one scale, the painting's, the two are the same.
    torch.testing.assert_close(pictures[0].picture, pictures[1].picture, atol=1e-4, rtol=0)
    assert not torch.equal(pictures[1].picture, photo)


def test_gatys_with_zero_seconds_returns_the_photo(
    models: EvaluationModels, reference: StyleReference, photo: torch.Tensor
) -> None:
    method = gatys_method(reference, models.features, "gatys-in-time", "Gatys", in_time=True)
    painted: Painted = method.paint(photo, 1e-6, nothing)
    assert painted.note == "0 steps"
    torch.testing.assert_close(painted.picture, photo)


def test_ctrl_c_ends_the_whole_comparison(
    models: EvaluationModels,
    reference: StyleReference,
    photo: torch.Tensor,
) -> None:
    def interrupt(step: int, steps: int) -> None:
        raise StopOptimization

    method = gatys_method(reference, models.features, "gatys", "Gatys", in_time=False)
    with pytest.raises(KeyboardInterrupt):
        method.paint(photo, 0.0, interrupt)


def test_warm_up_does_not_change_results(models: EvaluationModels, photo: torch.Tensor) -> None:
    before = photo.clone()
    warm_up(models.features, photo)
    assert torch.equal(photo, before)
    assert not photo.requires_grad
