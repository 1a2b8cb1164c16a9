"""Codes that are improved by what the generator paints with them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import torch
from torch import Tensor

import ganstyle
from ganstyle.anystyle import AnyPainting, load_any, refine
from ganstyle.anystyle.refine import refine_code
from ganstyle.images import read_image
from ganstyle.losses import StyleTarget


@pytest.fixture
def painter(any_painting: Path) -> AnyPainting:
    return load_any(any_painting)


@pytest.fixture
def view(painter: AnyPainting, painting: Path) -> Tensor:
    return painter.view(read_image(painting))


def mean_loss(painter: AnyPainting, view: Tensor, code: Tensor) -> float:
    network, losses = refine.loss_features(), []
    loss = refine.relative_loss(network, StyleTarget.from_images(network, [view], octaves=4))
    with torch.no_grad():
        for photo in refine._crops(painter.size):
            content, style = loss(painter.generator(photo, code), loss.photo_features(photo)).mean()
            losses.append(float(content + refine._STYLE * style))
    return sum(losses) / len(losses)


def test_more_steps_lower_the_loss(painter: AnyPainting, view: Tensor) -> None:
    code = painter.encode(view)
    codes = [code, refine_code(painter, code, view, steps=4), refine_code(painter, code, view, steps=40)]
    losses = [mean_loss(painter, view, each) for each in codes]
    assert losses[0] > losses[1] > losses[2]


def test_style_from_refines(painting: Path, any_painting: Path, painter: AnyPainting, view: Tensor) -> None:
    rough, fine = (
        ganstyle.style_from(painting, generator=any_painting, refine=steps).code for steps in (0, 3)
    )
    assert rough and fine  # noqa: PT018
    assert torch.equal(rough.values, painter.encode(view))
    assert torch.equal(fine.values, refine_code(painter, rough.values, view, steps=3))
    default = ganstyle.style_from(painting, generator=any_painting).code
    assert default
    assert torch.equal(default.values, refine_code(painter, rough.values, view))
    with pytest.raises(ValueError, match="refine must be at least 0, got -1"):
        ganstyle.style_from(painting, generator=any_painting, refine=-1)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients(
    painting: Path, any_painting: Path, mode: Callable[[], AbstractContextManager[None]]
) -> None:
    expected = ganstyle.style_from(painting, generator=any_painting, refine=2)
    with mode():
        style = ganstyle.style_from(read_image(painting), generator=any_painting, refine=2)
    assert style.code and expected.code  # noqa: PT018
    assert torch.equal(style.code.values, expected.code.values)
    assert not style.code.values.requires_grad
    assert all(parameter.grad is None for parameter in style.generator.parameters())


def test_a_step_that_is_not_finite_keeps_the_code(
    painter: AnyPainting, view: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refine, "_LEARNING_RATE", float("inf"))
    code = painter.encode(view)
    assert torch.equal(refine_code(painter, code, view, steps=2), code)


def test_crops_are_of_photos_that_differ(painter: AnyPainting) -> None:
    crops = refine._crops(painter.size)
    assert {crop.shape for crop in crops} == {(1, 3, 32, 32)}
    means = torch.cat([crop.mean((2, 3)) for crop in crops])
    assert float(torch.cdist(means, means).add(torch.eye(len(crops))).min()) > 0.1
