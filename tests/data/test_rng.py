import itertools

import numpy as np
import pytest

from ganstyle.data.rng import Stream, sample_rng


def test_same_key_gives_the_same_numbers() -> None:
    first, second = (sample_rng(3, 1, 7, Stream.CONTENT).random(5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_neighboring_keys_are_unrelated() -> None:
    keys = list(itertools.product(range(4), range(6), range(20), Stream))
    numbers = np.array([sample_rng(*key).random(4) for key in keys])
    assert len(np.unique(numbers)) == numbers.size
    correlation = np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]
    assert abs(correlation) < 0.05
    assert abs(numbers.mean() - 0.5) < 0.02


@pytest.mark.parametrize("key", [(-1, 0, 0, 0), (0, -1, 0, 0), (0, 0, -1, 0), (0, 0, 0, -1)])
def test_negative_numbers_are_refused(key: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=">= 0"):
        sample_rng(*key)
