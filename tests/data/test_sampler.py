import itertools
from typing import Any

import pytest

from ganstyle.data.sampler import Draw, EndlessSampler


def take(count: int, length: int = 7, seed: int = 5, **options: Any) -> list[Draw]:
    return list(itertools.islice(EndlessSampler(length, seed=seed, **options), count))


def test_every_epoch_is_another_permutation() -> None:
    draws = take(28)
    epochs = [[d.index for d in draws if d.epoch == epoch] for epoch in range(4)]
    assert [d.epoch for d in draws] == sorted(d.epoch for d in draws)
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 4


def test_seed_determines_the_order() -> None:
    assert take(20) == take(20)
    assert take(20) != take(20, seed=6)


@pytest.mark.parametrize("start", [1, 6, 7, 8, 20])
def test_starting_in_the_middle_continues_the_sequence(start: int) -> None:
    assert take(15, start=start) == take(15 + start)[start:]


@pytest.mark.parametrize("world_size", [2, 3, 8])
@pytest.mark.parametrize("start", [0, 5])
def test_ranks_share_one_sequence(world_size: int, start: int) -> None:
    ranks = [take(10, start=start, rank=rank, world_size=world_size) for rank in range(world_size)]
    together = [draw for step in zip(*ranks, strict=True) for draw in step]
    assert together == take(10 * world_size, start=start)


def test_two_ranks_with_batches_of_2_see_batches_of_4() -> None:
    one = take(12)
    ranks = [take(6, rank=rank, world_size=2) for rank in range(2)]
    for step in range(3):
        both = [draw for rank in ranks for draw in rank[2 * step : 2 * step + 2]]
        assert set(both) == set(one[4 * step : 4 * step + 4])


def test_one_image_is_drawn_once_an_epoch() -> None:
    assert take(3, length=1) == [Draw(0, 0), Draw(1, 0), Draw(2, 0)]
    assert take(2, length=1, rank=1, world_size=3) == [Draw(1, 0), Draw(4, 0)]


@pytest.mark.parametrize(
    "options",
    [
        {"length": 0},
        {"seed": -1},
        {"start": -1},
        {"rank": -1},
        {"rank": 2, "world_size": 2},
        {"world_size": 0},
    ],
)
def test_numbers_out_of_range_are_refused(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="must be"):
        take(1, **options)


@pytest.mark.parametrize(("length", "window"), [(10, 4), (10, 1), (7, 7), (3, 100)])
def test_windows_come_in_order_and_are_shuffled_within(length: int, window: int) -> None:
    sampler = EndlessSampler(length, seed=3, window=window)
    draws = [draw.index for draw in itertools.islice(sampler, 2 * length)]
    epochs = (draws[:length], draws[length:])
    for epoch in epochs:
        for start in range(0, length, window):
            assert sorted(epoch[start : start + window]) == list(range(start, min(start + window, length)))
    assert (epochs[0] != epochs[1]) == (window > 1)
    later = EndlessSampler(length, seed=3, start=length - 1, window=window)
    assert [draw.index for draw in itertools.islice(later, 3)] == draws[length - 1 : length + 2]
    with pytest.raises(ValueError, match="window must be >= 1"):
        EndlessSampler(length, seed=3, window=0)
