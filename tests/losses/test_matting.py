import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck
from torch.func import jvp

from ganstyle.errors import GanstyleError
from ganstyle.losses.matting import matting_laplacian, photorealism_loss

needs_pymatting = pytest.mark.skipif(
    find_spec("pymatting") is None,
    reason="PyMatting is not installed: pip install 'ganstyle[photorealistic]'",
)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def levin(photo: Tensor, epsilon: float) -> np.ndarray:
    """The matting Laplacian, entry by entry from Levin et al. 2008, equation 12, on 3x3 windows."""
    image = photo[0].permute(1, 2, 0).double().numpy()
    height, width, _ = image.shape
    laplacian = np.zeros((height * width, height * width))
    for top in range(height - 2):
        for left in range(width - 2):
            window = [(y, x) for y in range(top, top + 3) for x in range(left, left + 3)]
            colors = np.array([image[place] for place in window])
            mean = colors.mean(0)
            inverse = np.linalg.inv(np.cov(colors.T, bias=True) + epsilon / 9 * np.eye(3))
            for i, (yi, xi) in enumerate(window):
                for j, (yj, xj) in enumerate(window):
                    affinity = (1 + (colors[i] - mean) @ inverse @ (colors[j] - mean)) / 9
                    laplacian[yi * width + xi, yj * width + xj] += (i == j) - affinity
    return laplacian


# --- matting_laplacian


@needs_pymatting
@pytest.mark.parametrize("epsilon", [1e-7, 1e-2])
@pytest.mark.parametrize("size", [(6, 6), (3, 7), (8, 4)])
def test_laplacian_equals_levin_closed_form(size: tuple[int, int], epsilon: float) -> None:
    photo = random(1, 3, *size)
    laplacian = matting_laplacian(photo, epsilon=epsilon)
    assert laplacian.layout == torch.sparse_csr
    assert laplacian.dtype == torch.float32
    np.testing.assert_allclose(laplacian.to_dense().numpy(), levin(photo, epsilon), rtol=1e-5, atol=1e-6)


@needs_pymatting
def test_symmetric_positive_semidefinite_and_zero_on_constants() -> None:
    dense = matting_laplacian(random(1, 3, 7, 5)).to_dense().double()
    torch.testing.assert_close(dense, dense.mT)
    assert torch.linalg.eigvalsh(dense).min() > -1e-6
    torch.testing.assert_close(dense.sum(1), torch.zeros(35, dtype=torch.float64), rtol=0, atol=1e-6)


@needs_pymatting
def test_rounding_noise_is_not_fitted() -> None:
    """Where a photo is flat but for its 8 bits, a picture may not be made of that noise."""
    photo = 0.5 + random(1, 3, 16, 16).round() / 255
    picture = 0.5 + 0.3 * (photo - photo.mean()) / photo.std()
    noise = 0.3 * torch.randn(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    like_noise = photorealism_loss(noise, matting_laplacian(photo))
    assert photorealism_loss(picture, matting_laplacian(photo)) > 0.1 * like_noise
    assert photorealism_loss(picture, matting_laplacian(photo, epsilon=1e-7)) < 0.02 * like_noise


@needs_pymatting
def test_at_most_25_entries_a_row() -> None:
    laplacian = matting_laplacian(random(1, 3, 9, 8))
    counts = laplacian.crow_indices().diff()
    assert counts.max() == 25  # all pixels that share a 3x3 window with one in the middle
    assert counts[0] == 9
    assert laplacian.crow_indices().dtype == laplacian.col_indices().dtype == torch.int32


@needs_pymatting
@pytest.mark.parametrize("size", [(1, 5), (2, 2)])
def test_image_without_a_window_has_zero_penalty(size: tuple[int, int]) -> None:
    photo = random(1, 3, *size)
    assert photorealism_loss(random(1, 3, *size, seed=1), matting_laplacian(photo)) == 0


@pytest.mark.parametrize("shape", [(3, 4, 4), (2, 3, 4, 4), (1, 1, 4, 4)])
def test_shape_is_checked(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(1, 3, H, W\)"):
        matting_laplacian(torch.rand(shape))


def test_missing_pymatting_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pymatting", None)
    monkeypatch.delitem(sys.modules, "pymatting.laplacian.cf_laplacian", raising=False)
    with pytest.raises(GanstyleError, match=r"pip install 'ganstyle\[photorealistic\]'") as caught:
        matting_laplacian(torch.rand(1, 3, 4, 4))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "code", ["raise ImportError('Numba needs\\nan older NumPy')", "raise RuntimeError('no locator')", None]
)
def test_broken_pymatting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str | None
) -> None:
    folder = tmp_path / "pymatting" / "laplacian"
    folder.mkdir(parents=True)
    (tmp_path / "pymatting" / "__init__.py").touch()
    if code is not None:
        (folder / "cf_laplacian.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "pymatting", raising=False)
    monkeypatch.delitem(sys.modules, "pymatting.laplacian.cf_laplacian", raising=False)
    with pytest.raises(GanstyleError, match="PyMatting cannot be loaded") as caught:
        matting_laplacian(torch.rand(1, 3, 4, 4))
    assert "\n" not in str(caught.value)
    assert "pymatting.laplacian.cf_laplacian" not in sys.modules


# --- photorealism_loss


def dense_and_sparse(photo: Tensor, epsilon: float = 1e-7) -> tuple[Tensor, Tensor]:
    """The Laplacian without PyMatting, in float64."""
    dense = torch.from_numpy(levin(photo, epsilon))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse (CSR tensor support|invariant checks)", UserWarning)
        return dense, dense.to_sparse_csr()


def test_penalty_equals_dense_product() -> None:
    photo, pictures = random(1, 3, 6, 5), random(2, 3, 6, 5, seed=1)
    dense, sparse = dense_and_sparse(photo)
    channels = pictures.flatten(2)
    expected = torch.einsum("bci,ij,bcj->", channels, dense, channels) / (2 * 3 * 30)
    torch.testing.assert_close(photorealism_loss(pictures, sparse), expected)


def test_global_color_changes_cost_nothing() -> None:
    photo = random(1, 3, 8, 8)
    _, laplacian = dense_and_sparse(photo)
    mixed = torch.einsum("ij,bjhw->bihw", random(3, 3, seed=1), photo) + 0.1
    assert photorealism_loss(photo, laplacian) < 1e-6
    assert photorealism_loss(mixed, laplacian) < 1e-6
    assert photorealism_loss(1 - photo, laplacian) < 1e-6
    assert photorealism_loss(torch.full_like(photo, 0.3), laplacian) < 1e-12
    assert photorealism_loss(photo.roll(1, -1), laplacian) > 0.01  # what lines that moved cost


def test_changes_that_differ_from_place_to_place_cost_little() -> None:
    photo = random(1, 3, 24, 24)
    _, laplacian = dense_and_sparse(photo)
    left = torch.linspace(1, 0, 24, dtype=torch.float64).expand(24, 24)  # the photo on one side, its
    blend = left * photo + (1 - left) * (1 - photo)  # negative on the other: affine at each place, not in all
    moved = left * photo + (1 - left) * (1 - photo).roll(1, -1)
    assert photorealism_loss(blend, laplacian) < 0.1 * photorealism_loss(moved, laplacian)


def test_noise_costs_five_times_its_variance() -> None:
    photo = random(1, 3, 20, 20)
    _, laplacian = dense_and_sparse(photo)
    generator = torch.Generator().manual_seed(1)
    noise = 0.1 * torch.randn(16, 3, 20, 20, generator=generator, dtype=torch.float64)
    inner = 18 * 18 / 400  # windows a pixel
    expected = 5 * inner * 0.1**2  # of 9 residuals a window, an affine map of three colors removes 4
    assert photorealism_loss(photo + noise, laplacian).item() == pytest.approx(expected, rel=0.05)


def test_second_gradient() -> None:
    _, laplacian = dense_and_sparse(random(1, 3, 4, 4))
    picture = random(2, 3, 4, 4, seed=1).requires_grad_()
    assert gradcheck(lambda picture: photorealism_loss(picture, laplacian), picture)
    assert gradgradcheck(lambda picture: photorealism_loss(picture, laplacian), picture)


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:FutureWarning")  # torch's own
def test_derivative_along_a_direction() -> None:
    dense, sparse = dense_and_sparse(random(1, 3, 5, 4))
    picture, tangent = random(1, 3, 5, 4, seed=1), random(1, 3, 5, 4, seed=2)
    slope = jvp(lambda picture: photorealism_loss(picture, sparse), (picture,), (tangent,))[1]
    expected = 2 * torch.einsum("bci,ij,bcj->", picture.flatten(2), dense, tangent.flatten(2)) / 60
    torch.testing.assert_close(slope, expected)


def test_gradient_is_twice_the_product() -> None:
    dense, sparse = dense_and_sparse(random(1, 3, 5, 6))
    picture = random(1, 3, 5, 6, seed=1).requires_grad_()
    (gradient,) = torch.autograd.grad(photorealism_loss(picture, sparse), picture)
    expected = (2 * picture.detach().flatten(2) @ dense / 90).view_as(picture)
    torch.testing.assert_close(gradient, expected)


def test_any_precision_of_the_picture() -> None:
    _, laplacian = dense_and_sparse(random(1, 3, 5, 5))
    picture = random(1, 3, 5, 5, seed=1).float().requires_grad_()
    loss = photorealism_loss(picture, laplacian.float())
    torch.testing.assert_close(
        loss.double(), photorealism_loss(picture.double(), laplacian), rtol=1e-4, atol=0
    )
    loss.backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    assert picture.grad.dtype == torch.float32


def test_another_photos_laplacian_is_refused() -> None:
    _, laplacian = dense_and_sparse(random(1, 3, 4, 4))
    with pytest.raises(ValueError, match="16 pixels for a picture of 4x5"):
        photorealism_loss(random(1, 3, 4, 5), laplacian)


@needs_pymatting
def test_gradient_descent_preserves_edges() -> None:
    """Noise is removed and the colors stay changed when a picture descends the loss from both."""
    photo = random(1, 3, 10, 10).float()
    laplacian = matting_laplacian(photo)
    picture = (0.5 * photo.flip(1) + 0.2 + 0.1 * random(1, 3, 10, 10, seed=1).float()).requires_grad_()
    before = photorealism_loss(picture, laplacian).item()
    optimizer = torch.optim.LBFGS([picture], max_iter=50, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = photorealism_loss(picture, laplacian)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    assert photorealism_loss(picture, laplacian).item() < 1e-2 * before
    assert (picture - photo).abs().mean() > 0.05
