"""Keeping a picture photorealistic: it may change the photo's colors, but only as a photographer could."""

import sys
import warnings
from collections.abc import Callable
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError

# Nine times the variance that rounding to 8 bits leaves on a pixel, (1/255)²/12: a window that holds nothing
# but rounding is then flat. With 1e-7, as Levin et al. and Luan et al. have it, the fits use that noise as a
# guide, and whole strokes pass into skies and walls unpunished.
_EPSILON = 1e-5

_MODULE = "pymatting.laplacian.cf_laplacian"


def matting_laplacian(photo: Tensor, *, epsilon: float = _EPSILON) -> Tensor:
    """Return the matrix that measures how far an image is from being locally affine in a photo's colors.

    ``vᵀ L v`` is, summed over all 3x3 windows, what remains of ``v`` when it is fitted by an affine
    function of the photo's RGB within the window: Levin et al. 2008, equation 12. It is made once a size;
    the first call on a machine takes some seconds longer, in which PyMatting's code is compiled.

    Args:
        photo: (1, 3, H, W) in [0, 1], any device. Less than 3x3 pixels have no window: all zeros.
        epsilon: the price of a fit's squared slopes. The larger, the flatter must a picture be where the
            photo is; and the dearer is contrast itself.

    Returns:
        Sparse CSR (H·W, H·W), float32, symmetric, positive semidefinite, at most 25 entries a row, with
        32-bit indices: 200 bytes a pixel. On the photo's device, or on the CPU where that knows no CSR.

    Raises:
        GanstyleError: PyMatting is missing or does not load.
        ValueError: another shape.
    """
    if photo.dim() != 4 or photo.shape[:2] != (1, 3):
        raise ValueError(f"expected a photo of shape (1, 3, H, W), got {tuple(photo.shape)}")
    pixels = photo.detach()[0].permute(1, 2, 0).to("cpu", torch.float64).contiguous().numpy()
    matrix = _closed_form()(pixels, epsilon=epsilon)
    matrix.eliminate_zeros()  # near the borders, zeros stand for neighbors that do not exist
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta", UserWarning)
        laplacian = torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr).int(),
            torch.from_numpy(matrix.indices).int(),  # products are twice as fast as with 64 bits
            torch.from_numpy(matrix.data).float(),
            size=matrix.shape,
            check_invariants=True,
        )
        return laplacian if photo.device.type == "mps" else laplacian.to(photo.device)


def photorealism_loss(picture: Tensor, laplacian: Tensor) -> Tensor:
    """Say how far a picture is from a photo whose colors were changed, each place in its own way.

    ``Σ_c V_cᵀ L V_c / (3·H·W)``, with V_c a channel as a vector: Luan et al. 2017, equation 2, as a mean
    over pixels, so that its weight does not depend on the size. Any map of colors that is affine in each
    neighborhood costs next to nothing; straight lines stay straight, as no such map can bend them. For
    scale: independent noise of variance σ² on each pixel costs about 5 σ².

    Args:
        picture: (B, 3, H, W) in [0, 1].
        laplacian: of the photo, from `matting_laplacian`, (H·W, H·W).

    Returns:
        A scalar, the mean over the batch, at least 0 but for rounding; it can be differentiated twice.

    Raises:
        ValueError: the Laplacian is of a photo with another number of pixels.
    """
    height, width = picture.shape[-2:]
    if laplacian.shape[0] != height * width:
        raise ValueError(f"a Laplacian of {laplacian.shape[0]} pixels for a picture of {height}x{width}")
    channels = picture.flatten(-2).flatten(0, -2).to(laplacian.device, laplacian.dtype)
    product: Tensor = _SymmetricProduct.apply(channels, laplacian.matmul)
    return ((channels * product).sum() / channels.numel()).to(picture.device)


class _SymmetricProduct(torch.autograd.Function):
    """Rows (K, N) times a symmetric CSR matrix (N, N), given as its ``matmul``.

    Autograd's own backward pass transposes the matrix every time, which costs fifty times the product; this
    one uses that it need not be. The matrix itself is no argument, as ``torch.func`` fails on sparse ones.
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
    """Return PyMatting's ``cf_laplacian`` without importing the package around it.

    Its ``__init__`` has Numba compile every function it has, a minute or more on the first import; the one
    file that is needed takes three seconds.
    """
    if _MODULE not in sys.modules:
        package = find_spec("pymatting")
        if package is None or not package.submodule_search_locations:
            raise GanstyleError(
                "photorealistic transfer needs PyMatting, which is not installed; "
                "run: pip install 'ganstyle[photorealistic]'"
            )
        path = Path(package.submodule_search_locations[0], "laplacian", "cf_laplacian.py")
        spec = spec_from_file_location(_MODULE, path)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[_MODULE] = module_from_spec(spec)  # Numba's cache looks for it there
        try:
            spec.loader.exec_module(module)
        # ImportError: a Numba that does not fit NumPy; RuntimeError: no folder for its cache.
        except (ImportError, OSError, RuntimeError) as error:
            del sys.modules[_MODULE]
            reason = " ".join(str(error).split())
            raise GanstyleError(
                f"PyMatting cannot be loaded ({reason}); reinstall it, or set NUMBA_CACHE_DIR to a folder "
                "that can be written to"
            ) from error
    function: Callable[..., Any] = sys.modules[_MODULE].cf_laplacian
    return function
