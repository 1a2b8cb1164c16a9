"""The Fréchet distance between two sets of feature vectors, as in FID."""

import numpy as np
import numpy.typing as npt

from ganstyle.errors import DataError

Features = npt.NDArray[np.floating]
"""One feature vector a row: (n, d)."""


def frechet_distance(x: Features, y: Features) -> float:
    """Return ‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2·√(Σ₁Σ₂)) of the Gaussians fitted to two sets.

    Without a matrix's square root, which is inexact where a covariance is singular, as it is of fewer
    vectors than they have entries: with X and Y centered and divided by √(n − 1) and √(m − 1), the trace of
    √(Σ₁Σ₂) = √(XᵀX·YᵀY) is the sum of the singular values of X·Yᵀ. Everything is in float64.

    Args:
        x: (n, d), n at least 2.
        y: (m, d), m at least 2.

    Returns:
        At least 0, and 0 for equal sets but for rounding.

    Raises:
        DataError: a set has fewer than two vectors, which have no covariance.
        ValueError: the shapes do not fit, or a number is not finite.

    Source: Heusel et al. 2017, equation 6; Dowson & Landau 1982.
    """
    a, b = check_features(x), check_features(y)
    if a.shape[1] != b.shape[1]:
        raise ValueError(f"features of {a.shape[1]} and of {b.shape[1]} entries do not compare")
    if min(len(a), len(b)) < 2:
        raise DataError(f"FID needs at least 2 images a side, and there are {len(a)} and {len(b)}; give more")
    between = a.mean(0) - b.mean(0)
    a, b = _root(a), _root(b)
    overlap = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    return max(float(between @ between + np.square(a).sum() + np.square(b).sum() - 2 * overlap), 0.0)


def check_features(features: Features) -> npt.NDArray[np.float64]:
    """Return features in float64.

    Raises:
        ValueError: they are no table of finite numbers.
    """
    exact = np.asarray(features, dtype=np.float64)
    if exact.ndim != 2 or not np.isfinite(exact).all():
        raise ValueError(f"expected finite features of shape (n, d), got shape {exact.shape}")
    return exact


def _root(features: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return R of at most d rows with RᵀR = Σ."""
    centered = (features - features.mean(0)) / np.sqrt(len(features) - 1)
    if len(centered) <= centered.shape[1]:
        return np.asarray(centered)
    return np.asarray(np.linalg.qr(centered, mode="r"))  # the rest only rotates
