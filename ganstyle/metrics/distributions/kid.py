"""The kernel distance between two sets of feature vectors, as in KID."""

import numpy as np
import numpy.typing as npt

from ganstyle.errors import DataError
from ganstyle.metrics.distributions.frechet import Features, check_features

SUBSETS, SUBSET_SIZE = 100, 1000
"""As in clean-fid, and in the paper but for the number of subsets."""


def kernel_distance(
    x: Features, y: Features, *, subsets: int = SUBSETS, subset_size: int = SUBSET_SIZE, seed: int = 0
) -> float:
    """Return the unbiased estimate of the squared maximum mean discrepancy under (u·v/d + 1)³.

    It is the mean over subsets of m vectors drawn from each set without replacement, where m is
    ``subset_size`` or the size of the smaller set. Unlike FID its expectation does not depend on the sizes;
    it may be below 0.

    Args:
        x: (n, d), n at least 2.
        y: (m, d), m at least 2.
        subsets: how many are drawn.
        subset_size: vectors in each.
        seed: of its own random generator; NumPy's global one is not touched.

    Raises:
        DataError: a set has fewer than two vectors.
        ValueError: the shapes do not fit, or a number is not finite.

    Source: Bińkowski et al. 2018, section 3.1.
    """
    a, b = check_features(x), check_features(y)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of {a.shape[1]} and of {b.shape[1]} entries do not compare")
    size = min(len(a), len(b), subset_size)
    if size < 2:
        raise DataError(f"KID needs at least 2 images a side, and there are {len(a)} and {len(b)}; give more")
    if size == len(a) == len(b):  # every subset would be the whole set
        return _discrepancy(a, b)
    rng = np.random.default_rng(seed)
    drawn = [
        _discrepancy(rng.choice(a, size, replace=False), rng.choice(b, size, replace=False))
        for _ in range(subsets)
    ]
    return float(np.mean(drawn))


def _discrepancy(x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> float:
    """Return the estimate for two sets of the same size m: pairs of a vector with itself are left out."""
    m, d = x.shape
    within = (x @ x.T / d + 1) ** 3 + (y @ y.T / d + 1) ** 3
    between = (x @ y.T / d + 1) ** 3
    return float((within.sum() - within.trace()) / (m * (m - 1)) - 2 * between.sum() / m**2)
