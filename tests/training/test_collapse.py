"""A collapsed generator is reported: one picture for all photos, or one color or stroke everywhere."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.recipe import Recipe
from ganstyle.training import Event, Message, Progress, loop, train
from ganstyle.training.collapse import CollapseWatch, diversity

PHOTOS = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
PHOTOS[..., :16] *= 0.3


def test_unchanged_photos_are_as_diverse_as_themselves() -> None:
    measured = diversity(PHOTOS, PHOTOS)
    assert {name: round(float(value), 6) for name, value in measured.items()} == {
        "diversity/photos": 1.0,
        "diversity/places": 1.0,
    }


def test_half_the_contrast_is_a_quarter_of_the_variance() -> None:
    measured = diversity(0.5 * PHOTOS, PHOTOS)
    for value in measured.values():
        torch.testing.assert_close(value, torch.tensor(0.25))


def test_identical_outputs_are_a_collapse() -> None:
    measured = diversity(PHOTOS[:1].expand(3, -1, -1, -1), PHOTOS)
    assert measured["diversity/photos"] == 0
    assert measured["diversity/places"] > 0.5


@pytest.mark.parametrize("period", [1, 2, 4])
def test_uniform_strokes_are_a_collapse(period: int) -> None:
    pattern = torch.rand(3, 3, period, period).repeat(1, 1, 32 // period, 32 // period)
    assert diversity(pattern, PHOTOS)["diversity/places"] < 1e-6


def test_diversity_without_variation_is_left_out() -> None:
    assert diversity(PHOTOS[:1], PHOTOS[:1]).keys() == {"diversity/places"}
    assert diversity(PHOTOS, torch.full_like(PHOTOS, 0.5)) == {}
    assert diversity(PHOTOS, PHOTOS[:1].expand(3, -1, -1, -1)).keys() == {"diversity/places"}


def test_watch_reports_once_and_again_after_recovery() -> None:
    watch, low, fine = CollapseWatch(), {"diversity/photos": torch.tensor(1e-5)}, {}
    fine = {"diversity/photos": torch.tensor(0.9)}
    told = [watch.update([log], step=step) for step, log in enumerate([low] * 12 + [{}] + [fine] + [low] * 6)]
    assert [step for step, lines in enumerate(told) if lines] == [4, 18]
    assert "no longer depend on the photos" in told[4][0]
    assert not any(watch.update([low, fine], step=step) for step in range(10))


@pytest.mark.parametrize(
    ("collapsed", "message"),
    [
        (lambda x: x.mean(0, keepdim=True).expand_as(x), "no longer depend on the photos"),
        (lambda x: x.mean((2, 3), keepdim=True).expand_as(x), "the same all over the pictures"),
    ],
)
def test_collapse_is_reported_in_training(
    tiny: Callable[..., dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    collapsed: Callable[[Tensor], Tensor],
    message: str,
) -> None:
    monkeypatch.setattr(loop, "EVERY", 1)
    monkeypatch.setattr(loop, "diversity", lambda picture, photo: diversity(collapsed(photo), photo))
    events: list[Event] = []
    train(Recipe.parse(tiny(steps=7), source="test"), events.append)
    lines = [event.text for event in events if isinstance(event, Message) and "collapsed" in event.text]
    assert len(lines) == 1
    assert message in lines[0]
    assert lines[0].startswith("step 5: warning")
    assert "diversity/places" in [event for event in events if isinstance(event, Progress)][-1].values
