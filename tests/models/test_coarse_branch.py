"""The coarse branch of a generator."""

from typing import Any

import pytest
import torch

from ganstyle.models import LeanGenerator
from ganstyle.models.coarse_branch import CoarseBranch


def trained(branch: CoarseBranch) -> CoarseBranch:
    torch.nn.init.ones_(branch.norm.weight)
    return branch


@pytest.mark.parametrize("size", [(4, 4), (6, 10), (32, 20)])
def test_coarse_branch_keeps_the_shape(size: tuple[int, int]) -> None:
    x = torch.rand(2, 8, *size)
    assert trained(CoarseBranch(8, 12, 2))(x).shape == x.shape


def test_new_coarse_branch_adds_nothing() -> None:
    x = torch.rand(2, 8, 16, 16)
    assert torch.equal(CoarseBranch(8, 12, 1)(x), x)


def test_new_coarse_branch_learns() -> None:
    branch = CoarseBranch(8, 12, 1)
    optimizer = torch.optim.SGD(branch.parameters(), lr=0.1)
    x, target = torch.rand(2, 8, 16, 16), torch.rand(2, 8, 16, 16)
    before = {name: value.clone() for name, value in branch.named_parameters()}
    for _ in range(2):  # the first step moves the last gain off zero, which lets the others learn
        optimizer.zero_grad()
        (branch(x) - target).square().mean().backward()
        optimizer.step()
    assert all(not torch.equal(value, before[name]) for name, value in branch.named_parameters())


def _identity(x: torch.Tensor, condition: object = None) -> torch.Tensor:
    return x


def receptive_field(generator: LeanGenerator, monkeypatch: pytest.MonkeyPatch) -> int:
    """Pixels of a row that the gradient of the middle output pixel reaches, with norms held fixed."""
    for module in generator.modules():
        if isinstance(module, torch.nn.GroupNorm):
            monkeypatch.setattr(module, "forward", _identity)  # statistics would reach everywhere
    photo = torch.rand(1, 3, 16, 512, requires_grad=True)
    generator(photo)[0, :, 8, 256].sum().backward()
    assert photo.grad is not None
    return int((photo.grad.abs().sum((0, 1, 2)) > 0).sum())


def test_coarse_branch_widens_the_view(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = LeanGenerator(width=4, blocks=5, coarse=2, coarse_width=8)
    narrow = LeanGenerator(width=4, blocks=5)
    assert receptive_field(wide, monkeypatch) > 1.5 * receptive_field(narrow, monkeypatch)


def test_lean_without_coarse_branch_has_the_same_weights_as_before() -> None:
    assert not [key for key in LeanGenerator(width=4).state_dict() if key.startswith("coarse")]


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (33, 64)])
def test_lean_with_coarse_branch_takes_any_size(size: tuple[int, int]) -> None:
    photo = torch.rand(1, 3, *size)
    assert LeanGenerator(width=4, coarse=1, coarse_width=8)(photo).shape == photo.shape


@pytest.mark.parametrize("coarse", [-1, 1.5, "2"])
def test_lean_refuses_a_bad_coarse_branch(coarse: Any) -> None:
    with pytest.raises(ValueError, match="coarse must be a whole number"):
        LeanGenerator(coarse=coarse)
