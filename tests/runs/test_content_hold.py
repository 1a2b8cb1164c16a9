import math

import pytest

from ganstyle.recipe import PictureLossSection
from ganstyle.runs.content_hold import ContentHold


def hold_at(limit: float) -> ContentHold:
    hold = ContentHold()
    hold.limit = limit
    return hold


def feed(hold: ContentHold, content: float, steps: int = 1) -> float:
    for _ in range(steps):
        hold.update(content)
    return hold.factor


def test_weight_of_content_grows_above_the_limit_and_comes_back_below() -> None:
    hold = hold_at(2.0)
    assert feed(hold, 3.0, 10) == pytest.approx(math.exp(10 * 0.03 * 0.5))
    assert feed(hold, 2.0, 10) == pytest.approx(math.exp(10 * 0.03 * 0.5))
    assert feed(hold, 1.0, 10) == pytest.approx(1.0)
    assert hold.weights(PictureLossSection(content=1.5)).content == pytest.approx(1.5)
    feed(hold, 4.0, 20)
    weights = hold.weights(PictureLossSection(content=1.5, style=9.0))
    assert weights.content == pytest.approx(1.5 * math.exp(20 * 0.03))
    assert weights.style == 9.0


def test_weight_of_content_shrinks_below_the_limit() -> None:
    assert feed(hold_at(2.0), 1.0, 10) == pytest.approx(math.exp(-10 * 0.03 * 0.5))


@pytest.mark.parametrize("content", [1e9, math.inf, math.nan])
def test_one_odd_step_does_not_throw_the_weight_off(content: float) -> None:
    assert 1.0 <= feed(hold_at(1.0), content) <= math.exp(0.03) + 1e-9


@pytest.mark.parametrize("limit", [1.0, 0.0])
def test_weight_of_content_is_bounded(limit: float) -> None:
    assert feed(hold_at(limit), 5.0, 1000) == 10.0


def test_weight_of_content_never_vanishes() -> None:
    assert feed(hold_at(1.0), 0.0, 1000) == 0.1


def test_content_hold_state_round_trip() -> None:
    first, second = hold_at(1.5), ContentHold()
    feed(first, 2.0, 7)
    second.load_state_dict(first.state_dict())
    assert feed(second, 2.5) == feed(first, 2.5)
    assert first.state_dict() == second.state_dict()
