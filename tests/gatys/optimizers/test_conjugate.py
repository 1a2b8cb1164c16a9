import pytest
import torch
from torch import Tensor

from ganstyle.gatys.optimizers.conjugate import conjugate_gradients, follow


def solve(matrix: Tensor, gradient: Tensor, radius: float, products: int = 20) -> tuple[Tensor, float, bool]:
    path = conjugate_gradients(
        lambda vector: matrix @ vector,
        gradient,
        lambda v: v,
        radius=radius,
        products=products,
        tolerance=1e-8,
    )
    return follow(path, radius)


def test_conjugate_gradients_solve_the_newton_system() -> None:
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(6, 6, generator=generator, dtype=torch.float64)
    matrix, gradient = root @ root.T + torch.eye(6), torch.randn(6, generator=generator, dtype=torch.float64)
    step, decrease, at_edge = solve(matrix, gradient, 1e6)
    expected = -torch.linalg.solve(matrix, gradient)
    torch.testing.assert_close(step, expected)
    assert decrease == pytest.approx(float(-gradient @ expected) / 2)
    assert not at_edge


def test_conjugate_gradients_stay_in_the_region() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, 10.0])), torch.tensor([4.0, 4.0])
    step, decrease, at_edge = solve(matrix, gradient, 0.5)
    assert at_edge
    assert float(step.norm()) == pytest.approx(0.5)
    assert decrease == pytest.approx(float(-gradient @ step - step @ matrix @ step / 2))


def test_conjugate_gradients_follow_negative_curvature_to_the_edge() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, -1.0])), torch.tensor([0.0, 0.5])
    step, decrease, at_edge = solve(matrix, gradient, 3.0)
    assert at_edge
    torch.testing.assert_close(step, torch.tensor([0.0, -3.0]))
    assert decrease == pytest.approx(1.5 + 4.5)


def test_path_is_reused_for_a_smaller_trust_region() -> None:
    matrix, gradient = torch.diag(torch.tensor([1.0, 10.0, 3.0])), torch.tensor([4.0, 4.0, -2.0])
    path = conjugate_gradients(
        lambda vector: matrix @ vector, gradient, lambda v: v, radius=9.0, products=9, tolerance=1e-6
    )
    for radius in (2.0, 1.0, 0.1):
        step, decrease, at_edge = follow(path, radius)
        assert at_edge
        assert float(step.norm()) == pytest.approx(radius, rel=1e-5)
        assert decrease == pytest.approx(float(-gradient @ step - step @ matrix @ step / 2), rel=1e-4)
