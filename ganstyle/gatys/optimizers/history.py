"""What L-BFGS knows about the curvature: recent steps, and a scaling by spatial frequency and color."""

import math
from collections import deque
from typing import NamedTuple

import torch
from torch import Tensor

_LIMIT = 25.0  # of a band, in multiples of the textbook's scaling; 10 to 50 serve equally well, 100 does not
_COARSEST = 1 / 256  # cycles per pixel: the lowest band's upper edge
# Brightness and two axes of color, orthonormal: the network sees brightness far better than color.
_AXES = ((1.0, 1.0, 1.0), (1.0, -1.0, 0.0), (1.0, 1.0, -2.0))


class Pair(NamedTuple):
    """One step s, the gradient's difference y along it, and 1 / sᵀy."""

    s: Tensor
    y: Tensor
    rho: float


class InverseHessian:
    """The inverse Hessian by limited-memory BFGS (Nocedal & Wright 2006, algorithm 7.4).

    Its first guess H₀, which the textbook makes a multiple of the identity, is here diagonal in spatial
    frequency (octaves) and color (brightness, two axes of color) if the vector is a picture. In each of
    those bands the scaling is √(‖s‖² / ‖y‖²), summed over the pairs that are kept: the geometric mean of the
    two steps of Barzilai & Borwein 1988. Overall it meets the newest pair, as the textbook's does. Measured
    on four photo–painting pairs at 128 px, the loss of 100 evaluations is reached in about 80.

    Args:
        grid: (channels, height, width) of the picture that the vector holds; None: it is no picture.
        history: how many pairs are kept.
    """

    def __init__(self, grid: tuple[int, int, int] | None, history: int) -> None:
        self.pairs: deque[Pair] = deque(maxlen=history)
        self.spectra: deque[tuple[Tensor, Tensor]] = deque(maxlen=history)
        self.bands = None if grid is None else _Bands(grid)
        self.gains: Tensor | None = None

    def __len__(self) -> int:
        return len(self.pairs)

    def clear(self) -> None:
        """Forget everything."""
        self.pairs.clear()
        self.spectra.clear()
        self.gains = None

    def update(self, s: Tensor, y: Tensor) -> bool:
        """Learn that the step s (n,) changed the gradient by y (n,); return whether the pair was kept.

        A pair with zero or negative curvature is skipped, so that the matrix stays positive definite.
        """
        curvature, length = float(s @ y), float(y @ y)
        if not (curvature > 1e-10 * length and math.isfinite(length)):
            return False
        self.pairs.append(Pair(s, y, 1 / curvature))
        if self.bands is not None:
            self.spectra.append((self.bands.power(s) / curvature, self.bands.power(y) / curvature))
            ss = torch.stack([spectrum[0] for spectrum in self.spectra]).sum(0)
            yy = torch.stack([spectrum[1] for spectrum in self.spectra]).sum(0)
            mean = len(self.spectra) / yy.sum()  # Σ sᵀy / Σ ‖y‖², each pair being divided by its sᵀy
            gains = torch.where(yy > 0, ss / yy, mean.square()).sqrt().clamp(max=_LIMIT * mean)
            self.gains = gains / (gains * self.spectra[-1][1]).sum()
        return True

    def apply(self, vector: Tensor) -> Tensor:
        """Return H·vector, shape (n,), of a vector (n,); the vector itself as long as nothing is known."""
        if not self.pairs:
            return vector
        q, alphas = vector, []
        for s, y, rho in reversed(self.pairs):
            alphas.append(rho * (s @ q))
            q = q - alphas[-1] * y
        newest = self.pairs[-1]
        if self.bands is not None and self.gains is not None:
            q = self.bands.scale(q, self.gains)
        else:
            q = q / (newest.rho * (newest.y @ newest.y))
        for (s, y, rho), alpha in zip(self.pairs, reversed(alphas), strict=True):
            q = q + (alpha - rho * (y @ q)) * s
        return q


class _Bands:
    """Bands of spatial frequency and color of pictures of one size."""

    def __init__(self, grid: tuple[int, int, int]) -> None:
        self.grid = grid
        channels, height, width = grid
        radius = (torch.fft.fftfreq(height)[:, None].square() + torch.fft.rfftfreq(width).square()).sqrt()
        self.band = (radius / _COARSEST).clamp(min=0.5).log2().ceil().clamp(min=0).long()  # octaves
        self.count = int(self.band.max()) + 1
        # The real transform leaves out one half of the plane: all columns stand for two but the outermost.
        self.weight = torch.full_like(radius, 2.0)
        self.weight[:, 0] = 1.0
        if width % 2 == 0:
            self.weight[:, -1] = 1.0
        self.axes = torch.tensor(_AXES) if channels == 3 else torch.eye(channels)
        self.axes = self.axes / self.axes.norm(dim=1, keepdim=True)

    def power(self, vector: Tensor) -> Tensor:
        """Return how much of ‖vector‖² is in each band, shape (channels, bands)."""
        self._follow(vector)
        power = torch.fft.rfft2(self._turn(vector, self.axes), norm="ortho").abs().square() * self.weight
        sums: Tensor = power.new_zeros(power.shape[0], self.count)
        sums.index_add_(1, self.band.flatten(), power.flatten(1))
        return sums

    def scale(self, vector: Tensor, gains: Tensor) -> Tensor:
        """Multiply each band by its gain (channels, bands)."""
        self._follow(vector)
        spectrum = torch.fft.rfft2(self._turn(vector, self.axes), norm="ortho") * gains[:, self.band]
        scaled = torch.fft.irfft2(spectrum, s=self.grid[1:], norm="ortho")
        return self._turn(scaled, self.axes.T).flatten()

    def _turn(self, vector: Tensor, axes: Tensor) -> Tensor:
        turned: Tensor = axes @ vector.reshape(self.grid[0], -1)
        return turned.view(self.grid)

    def _follow(self, vector: Tensor) -> None:
        """Move to the vector's device and type."""
        self.band = self.band.to(vector.device)
        self.weight, self.axes = self.weight.to(vector), self.axes.to(vector)
