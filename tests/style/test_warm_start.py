"""A training that begins with the weights of another style."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from ganstyle import files
from ganstyle.errors import CheckpointError
from ganstyle.losses import StyleTarget
from ganstyle.models import ResNetGenerator
from ganstyle.recipe import Recipe
from ganstyle.style import build_generator, load_style, save_style
from ganstyle.training.warm_start import warm_start

Make = Callable[..., tuple[nn.Module, Recipe, StyleTarget]]


def test_warm_start_copies_every_weight(saved: Path) -> None:
    style = load_style(saved)
    torch.manual_seed(7)
    fresh = build_generator(style.recipe)
    assert warm_start(fresh, str(saved)) == {"name": "tiny", "sha256": files.sha256(saved)}
    for key, value in fresh.state_dict().items():
        assert torch.equal(value, style.generator.state_dict()[key])
    assert all(parameter.requires_grad for parameter in fresh.parameters())


def test_warm_start_with_strength_on_one_side(saved: Path) -> None:
    style, image = load_style(saved), torch.rand(1, 3, 16, 16)
    options = style.recipe.generator.options
    told = ResNetGenerator(**options | {"strength": True})
    warm_start(told, str(saved))
    with torch.no_grad():
        assert torch.equal(told(image), style.generator(image))
        assert torch.equal(told(image, 0.5), style.generator(image))


def test_warm_start_adds_or_drops_a_coarse_branch(info: Any, make: Make, tmp_path: Path) -> None:
    plain, grown = tmp_path / "lean.safetensors", tmp_path / "coarse.safetensors"
    save_style(plain, *make("lean"), info)
    save_style(grown, *make("coarse"), info)
    style, image = load_style(plain), torch.rand(1, 3, 36, 36)
    larger = build_generator(load_style(grown).recipe)
    warm_start(larger, str(plain))
    with torch.no_grad():
        assert torch.equal(larger(image), style.generator(image))
    smaller = build_generator(style.recipe)
    warm_start(smaller, str(grown))
    given = load_style(grown).generator.state_dict()
    assert all(torch.equal(value, given[key]) for key, value in smaller.state_dict().items())


def test_warm_start_reports_the_first_mismatch(saved: Path) -> None:
    options = load_style(saved).recipe.generator.options
    wider = ResNetGenerator(**options | {"width": 2 * options["width"]})
    with pytest.raises(
        CheckpointError, match=r"body\.0\.first\.conv\.weight is \d+x\d+x3x3 there and"
    ) as caught:
        warm_start(wider, str(saved))
    assert "\n" not in str(caught.value)
    deeper = ResNetGenerator(**options | {"blocks": options["blocks"] + 1})
    with pytest.raises(CheckpointError, match="is missing there and"):
        warm_start(deeper, str(saved))
