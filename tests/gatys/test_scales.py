import pytest

from ganstyle.errors import GanstyleError
from ganstyle.gatys.scales import plan


@pytest.mark.parametrize(
    ("size", "sides"),
    [(96, [96]), (255, [255]), (256, [128, 256]), (384, [192, 384]), (1024, [128, 256, 512, 1024])],
)
def test_auto_halves_down_to_128(size: int, sides: list[int]) -> None:
    assert [scale.shorter_side for scale in plan(size, "auto")] == sides


def test_single_scale() -> None:
    (scale,) = plan(1024, "single")
    assert (scale.shorter_side, scale.steps_until, scale.seconds_until) == (1024, 1.0, 1.0)


@pytest.mark.parametrize("from_noise", [False, True])
@pytest.mark.parametrize("scales", ["auto", [100, 200, 300, 400, 500, 1000]])
def test_shares_of_steps_rise_to_the_full_size(scales: str | list[int], from_noise: bool) -> None:
    planned = plan(1000, scales, from_noise=from_noise)
    for shares in ([s.steps_until for s in planned], [s.seconds_until for s in planned]):
        assert shares == sorted(shares)
        assert shares[0] > 0
        assert shares[-1] == 1.0
    assert 1 - planned[-2].steps_until >= 0.49
    assert 1 - planned[-2].seconds_until > 0.7


def test_noise_start_gives_small_scales_more_steps() -> None:
    assert plan(384, "auto", from_noise=True)[0].steps_until > plan(384, "auto")[0].steps_until


@pytest.mark.parametrize("scales", [[], [400, 200], [100, 200], [0, 384], [384, 384], "coarse"])
def test_invalid_scales_are_refused(scales: str | list[int]) -> None:
    with pytest.raises(GanstyleError) as caught:
        plan(384, scales)
    assert "\n" not in str(caught.value)


def test_scales_without_a_size_are_refused() -> None:
    with pytest.raises(GanstyleError, match="size 0"):
        plan(0, "auto")
