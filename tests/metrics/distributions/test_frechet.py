import numpy as np
import pytest
from scipy.linalg import sqrtm

from ganstyle.errors import DataError
from ganstyle.metrics import frechet_distance
from ganstyle.metrics.distributions.frechet import Features


def draw(n: int, d: int, seed: int) -> Features:
    """Draw vectors whose entries depend on each other."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) / np.sqrt(d) + rng.normal(size=d))


def with_moments(mean: Features, covariance: Features, n: int) -> Features:
    """Return n vectors that have exactly this mean and covariance."""
    noise = np.random.default_rng(0).normal(size=(n, len(mean)))
    noise -= noise.mean(0)
    white = noise @ np.linalg.inv(np.linalg.cholesky(np.cov(noise, rowvar=False))).T
    return np.asarray(white @ np.linalg.cholesky(covariance).T + mean)


def by_definition(x: Features, y: Features) -> float:
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.real(sqrtm(a @ b))
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root))


def test_frechet_of_gaussians_with_known_distance() -> None:
    # Covariances that commute: ‖μ₁ − μ₂‖² + Σ (√λ₁ − √λ₂)².
    x = with_moments(np.array([1.0, 0, 0]), np.diag([4.0, 9.0, 1.0]), 50)
    y = with_moments(np.array([0.0, 2, 0]), np.diag([1.0, 1.0, 16.0]), 40)
    assert frechet_distance(x, y) == pytest.approx(5 + 1 + 4 + 9, rel=1e-10)
    # Of one dimension: (μ₁ − μ₂)² + (σ₁ − σ₂)².
    assert frechet_distance(np.array([[0.0], [2.0]]), np.array([[5.0], [5.0]])) == pytest.approx(16 + 2)


@pytest.mark.parametrize(("n", "m"), [(200, 150), (64, 65), (30, 40), (500, 20), (2, 2)])
def test_frechet_equals_the_definition(n: int, m: int) -> None:
    x, y = draw(n, 16, 1), draw(m, 16, 2)
    assert frechet_distance(x, y) == pytest.approx(by_definition(x, y), rel=1e-5)
    assert frechet_distance(y, x) == pytest.approx(frechet_distance(x, y), rel=1e-9)


@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")  # how clean-fid calls scipy's sqrtm
def test_frechet_equals_clean_fid() -> None:
    from cleanfid.fid import fid_from_feats

    x, y = (draw(300, 64, seed).astype(np.float32) for seed in (3, 4))
    assert frechet_distance(x, y) == pytest.approx(fid_from_feats(x, y), rel=1e-4)


@pytest.mark.parametrize("n", [2, 20, 200])
def test_frechet_of_equal_sets_is_zero(n: int) -> None:
    x = draw(n, 64, 5).astype(np.float32)
    assert 0 <= frechet_distance(x, x[::-1]) < 1e-9


def test_frechet_of_invalid_features_is_an_error() -> None:
    for x, y in ((draw(1, 4, 0), draw(5, 4, 0)), (draw(5, 4, 0), np.empty((0, 4)))):
        with pytest.raises(DataError, match="at least 2 images a side, and there are"):
            frechet_distance(x, y)
    with pytest.raises(ValueError, match="of 4 and of 5 entries"):
        frechet_distance(draw(3, 4, 0), draw(3, 5, 0))
    with pytest.raises(ValueError, match="finite"):
        frechet_distance(draw(3, 4, 0), np.full((3, 4), np.nan))
    with pytest.raises(ValueError, match="shape"):
        frechet_distance(np.zeros(4), np.zeros(4))
