"""The photorealism loss: the picture must stay a locally affine color transform of the photo."""

import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError, one_line
from ganstyle.extras import require

# Nine times the variance of 8-bit rounding, (1/255)²/12, so that a window with nothing but rounding noise
# counts as flat. With the 1e-7 of Levin et al. and Luan et al., the affine fits exploit that noise, and whole
# strokes in skies and walls go unpenalized.
_EPSILON = 1e-5

_MODULE = "pymatting.laplacian.cf_laplacian"


def matting_laplacian(photo: Tensor, *, epsilon: float = _EPSILON) -> Tensor:
    """Return the matting Laplacian of a photo.

    ``vᵀ L v`` is the squared residual of fitting ``v`` by an affine function of the photo's RGB, summed over
    all 3x3 windows: Levin et al. 2008, equation 12. The first call on a machine takes a few seconds longer,
    to compile PyMatting's code.

    Args:
        photo: (1, 3, H, W) in [0, 1], any device. Below 3x3 pixels there is no window; the result is zero.
        epsilon: regularization of the fits, on their squared slopes. Larger values force the picture to be
            flat where the photo is flat, and also penalize contrast itself.

    Returns:
        Sparse CSR (H·W, H·W), float32, symmetric, positive semidefinite, at most 25 entries per row, with
        32-bit indices: 200 bytes per pixel. On the photo's device, or on the CPU if that lacks CSR support.

    Raises:
        GanstyleError: PyMatting is missing or cannot be loaded.
        ValueError: the photo has another shape.
    """
    if photo.dim() != 4 or photo.shape[:2] != (1, 3):
        raise ValueError(f"expected a photo of shape (1, 3, H, W), got {tuple(photo.shape)}")
    pixels = photo.detach()[0].permute(1, 2, 0).to("cpu", torch.float64).contiguous().numpy()
    matrix = _closed_form()(pixels, epsilon=epsilon)
    matrix.eliminate_zeros()  # explicit zeros stand for neighbors beyond the border
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        warnings.filterwarnings("ignore", "Sparse invariant checks are", UserWarning)  # PyTorch 2.11
        laplacian = torch.sparse_csr_tensor(
            _copied(matrix.indptr, torch.int32),  # products are twice as fast as with 64 bits
            _copied(matrix.indices, torch.int32),
            _copied(matrix.data, torch.float32),
            size=matrix.shape,
            check_invariants=True,
        )
        return laplacian if photo.device.type == "mps" else laplacian.to(photo.device)


def photorealism_loss(picture: Tensor, laplacian: Tensor) -> Tensor:
    """Return how far a picture is from a locally affine color transform of the photo.

    ``Σ_c V_cᵀ L V_c / (3·H·W)``, with V_c a channel as a vector: Luan et al. 2017, equation 2, averaged over
    pixels so that its weight does not depend on the size. Color changes that are affine within each
    neighborhood cost almost nothing. Bending an edge is penalized, since no such change can do it. For scale,
    independent noise of variance σ² per pixel costs about 5 σ².

    Args:
        picture: (B, 3, H, W) in [0, 1].
        laplacian: of the photo, (H·W, H·W), from `matting_laplacian`.

    Returns:
        A scalar, the mean over the batch, at least 0 up to rounding; twice differentiable.

    Raises:
        ValueError: the Laplacian belongs to a photo with another number of pixels.
    """
    height, width = picture.shape[-2:]
    if laplacian.shape[0] != height * width:
        raise ValueError(f"a Laplacian of {laplacian.shape[0]} pixels for a picture of {height}x{width}")
    channels = picture.flatten(-2).flatten(0, -2).to(laplacian.device, laplacian.dtype)
    product: Tensor = _SymmetricProduct.apply(channels, laplacian.matmul)
    return ((channels * product).sum() / channels.numel()).to(picture.device)


def _copied(values: np.ndarray[Any, Any], dtype: torch.dtype) -> Tensor:
    """Copy a vector; NumPy gives empty ones a stride of 0, and PyTorch 2.11 refuses that."""
    return torch.empty(len(values), dtype=dtype).copy_(torch.from_numpy(values))


class _SymmetricProduct(torch.autograd.Function):
    """Rows (K, N) times a symmetric CSR matrix (N, N), given as its ``matmul``.

    Autograd's own backward pass transposes the matrix every time, which takes fifty times as long as the
    product. The matrix is symmetric, so no transpose is needed. Its ``matmul`` is passed in place of the
    matrix because ``torch.func`` fails on sparse arguments.
    """

    @staticmethod
    def forward(rows: Tensor, matmul: Callable[[Tensor], Tensor]) -> Tensor:
        return matmul(rows.mT).mT

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, Callable[[Tensor], Tensor]], output: Tensor) -> None:
        ctx.matmul = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _SymmetricProduct.apply(gradient, ctx.matmul), None

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        product: Tensor = _SymmetricProduct.apply(tangent, ctx.matmul)
        return product


def _closed_form() -> Callable[..., Any]:
    """Return PyMatting's ``cf_laplacian`` without importing the package's ``__init__``.

    That would have Numba compile every function of the package, a minute or more on the first import; the one
    file that is needed takes three seconds.
    """
    if _MODULE not in sys.modules:
        require("pymatting", "photorealistic transfer")
        package = find_spec("pymatting")
        assert package is not None
        assert package.submodule_search_locations
        path = Path(package.submodule_search_locations[0], "laplacian", "cf_laplacian.py")
        spec = spec_from_file_location(_MODULE, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[_MODULE] = module_from_spec(spec)  # Numba's cache looks it up there
        try:
            spec.loader.exec_module(module)
        # ImportError: Numba does not support this NumPy; RuntimeError: Numba finds no folder for its cache.
        except (ImportError, OSError, RuntimeError) as error:
            del sys.modules[_MODULE]
            reason = one_line(error)
            raise GanstyleError(
                f"PyMatting cannot be loaded ({reason}); reinstall it, or set NUMBA_CACHE_DIR to a "
                "writable folder"
            ) from error
    function: Callable[..., Any] = sys.modules[_MODULE].cf_laplacian
    return function
