import numpy as np
import pytest

from ganstyle.errors import DataError
from ganstyle.metrics import kernel_distance
from ganstyle.metrics.distributions.frechet import Features


def draw(n: int, d: int, seed: int, shift: float = 0.0) -> Features:
    return np.random.default_rng(seed).normal(size=(n, d)) + shift


def test_kid_of_sets_with_known_value() -> None:
    # k(u, v) = (uv + 1)³ on single numbers. x = {0, 1}: k(0, 1) = 1. y = {1, 2}: k(1, 2) = 27.
    # Between: k(0, 1) = k(0, 2) = 1, k(1, 1) = 8, k(1, 2) = 27.
    x, y = np.array([[0.0], [1.0]]), np.array([[1.0], [2.0]])
    assert kernel_distance(x, y) == pytest.approx(1 + 27 - 2 * (1 + 1 + 8 + 27) / 4)


def test_kid_of_gaussians_with_known_value() -> None:
    # E k(u, v) of independent N(a, s²) and N(b, s²): with t = uv, E t = ab, E t² = (a² + s²)(b² + s²) and
    # E t³ = (a³ + 3as²)(b³ + 3bs²); E (t + 1)³ = E t³ + 3 E t² + 3 E t + 1.
    def kernel(a: float, b: float, s: float = 0.3) -> float:
        (a2, b2), (a3, b3) = ((m**2 + s**2 for m in (a, b)), (m**3 + 3 * m * s**2 for m in (a, b)))
        return a3 * b3 + 3 * a2 * b2 + 3 * a * b + 1

    x, y = 0.3 * draw(1500, 1, 1), 0.3 * draw(1500, 1, 2) + 0.5
    expected = kernel(0, 0) + kernel(0.5, 0.5) - 2 * kernel(0, 0.5)
    assert kernel_distance(x, y, subset_size=1500) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(("n", "m", "size"), [(150, 150, 1000), (150, 90, 1000), (300, 200, 50)])
def test_kid_equals_clean_fid_on_equal_subsets(
    n: int, m: int, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cleanfid import fid

    x, y = draw(n, 64, 3).astype(np.float32), draw(m, 64, 4, 0.3).astype(np.float32)
    rng = np.random.default_rng(7)
    monkeypatch.setattr(np.random, "choice", rng.choice)  # clean-fid draws from its second set first
    theirs = fid.kernel_distance(y, x, num_subsets=10, max_subset_size=size)
    ours = kernel_distance(x, y, subsets=10, subset_size=size, seed=7)
    assert ours == pytest.approx(theirs, rel=1e-4)


def test_kid_is_seeded_without_global_rng() -> None:
    x, y = draw(40, 4, 5), draw(30, 4, 6)
    before = np.random.get_state()[1].copy()  # type: ignore[index]
    values = [kernel_distance(x, y, subsets=3, subset_size=10, seed=seed) for seed in (1, 1, 2)]
    assert values[0] == values[1] != values[2]
    np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]


def test_kid_is_unbiased_in_sample_size() -> None:
    values = [kernel_distance(draw(10, 4, seed), draw(10, 4, 1000 + seed)) for seed in range(300)]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))


def test_kid_of_invalid_features_is_an_error() -> None:
    with pytest.raises(DataError, match="at least 2 images a side, and there are 1 and 5"):
        kernel_distance(draw(1, 4, 0), draw(5, 4, 0))
    with pytest.raises(ValueError, match="of 4 and of 5 entries"):
        kernel_distance(draw(3, 4, 0), draw(3, 5, 0))
