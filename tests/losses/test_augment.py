import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck

from ganstyle.losses import AUGMENTATIONS, Augmentation, draw_augmentation
from ganstyle.losses.augment import cut_out, translate


def image(size: int = 8, batch: int = 2) -> Tensor:
    return torch.arange(1.0, batch * 3 * size * size + 1).view(batch, 3, size, size)


def draw(kinds: tuple[str, ...], seed: int = 0, batch: int = 64, grid: int = 32) -> Augmentation:
    return draw_augmentation(kinds, batch, np.random.default_rng(seed), grid=grid)


def test_translate_by_hand() -> None:
    x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]).view(1, 1, 2, 3)
    assert translate(x, torch.tensor([[1, 0]]), fill=9).tolist() == [[[[9, 9, 9], [1, 2, 3]]]]
    assert translate(x, torch.tensor([[0, -1]])).tolist() == [[[[2, 3, 0], [5, 6, 0]]]]
    assert translate(x, torch.tensor([[-1, 2]])).tolist() == [[[[0, 0, 4], [0, 0, 0]]]]
    assert translate(x, torch.tensor([[0, 0]])) is x


def test_each_item_moves_by_itself() -> None:
    x = image()
    moved = translate(x, torch.tensor([[0, 0], [2, 1]]))
    assert torch.equal(moved[0], x[0])
    assert torch.equal(moved[1, :, 2:, 1:], x[1, :, :-2, :-1])
    assert moved[1, :, :2].abs().sum() == 0


def test_cut_out_by_hand() -> None:
    hidden = cut_out(torch.ones(2, 1, 4, 8), torch.tensor([[0.5, 0.5], [0.0, 0.0]]), fill=0.5)
    assert (hidden == 0.5).sum((1, 2, 3)).tolist() == [2 * 4, 1 * 2]
    assert bool((hidden[0, 0, 1:3, 2:6] == 0.5).all())
    assert bool((hidden[1, 0, :1, :2] == 0.5).all())


def test_shifts_are_at_most_an_eighth_and_holes_half_a_side() -> None:
    drawn = draw(AUGMENTATIONS, batch=2000)
    assert drawn.shifts is not None
    assert drawn.shifts.abs().max() == 1 / 8
    assert len(torch.unique(drawn.shifts)) == 9
    assert drawn.shifts.mean().abs() < 0.01
    covered = 1 - drawn.apply(torch.ones(2000, 1, 64, 64)).mean((1, 2, 3))
    assert 1 / 16 <= covered.min() < 0.12  # a quarter of a hole at a corner
    assert 0.35 < covered.max() <= 0.49  # a whole one, and an eighth moved in from two sides


def test_only_the_chosen_kinds_are_drawn_and_the_others_do_not_change_them() -> None:
    both, moved, cut = draw(AUGMENTATIONS), draw(("translation",)), draw(("cutout",))
    assert moved.holes is None
    assert cut.shifts is None
    x = image(batch=64)
    assert torch.equal(draw(()).apply(x), x)
    assert not torch.equal(moved.apply(x), x)
    assert torch.equal(cut.apply(moved.apply(x)), both.apply(x))


def test_same_seed_same_augmentation() -> None:
    x = image(32, 64)
    assert torch.equal(draw(AUGMENTATIONS).apply(x), draw(AUGMENTATIONS).apply(x))
    assert not torch.equal(draw(AUGMENTATIONS).apply(x), draw(AUGMENTATIONS, seed=1).apply(x))


def test_maps_of_several_resolutions_stay_aligned() -> None:
    """Augmenting a map that was reduced is reducing the augmented map."""
    drawn = draw(("translation",), batch=16, grid=8)
    fine = torch.rand(16, 2, 32, 32)
    for factor in (2, 4):
        coarse = torch.nn.functional.avg_pool2d(fine, factor)
        expected = torch.nn.functional.avg_pool2d(drawn.apply(fine), factor)
        torch.testing.assert_close(drawn.apply(coarse), expected)


def test_differentiable_and_colors_stay() -> None:
    drawn = draw(AUGMENTATIONS, batch=2, grid=8)
    assert gradcheck(lambda x: drawn.apply(x), torch.rand(2, 1, 8, 8, dtype=torch.float64).requires_grad_())
    x = torch.rand(2, 3, 8, 8)
    colors = {tuple(pixel.tolist()) for item in x for pixel in item.flatten(1).T}
    shown = {tuple(pixel.tolist()) for item in drawn.apply(x) for pixel in item.flatten(1).T}
    assert shown <= colors | {(0.0, 0.0, 0.0)}


def test_unknown_augmentation() -> None:
    with pytest.raises(ValueError, match="'color' is not one of translation, cutout"):
        draw(("color",))
