import torch

from ganstyle.gatys.optimizers.history import InverseHessian


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_empty_history_is_the_identity() -> None:
    vector = random(6)
    assert torch.equal(InverseHessian(None, 3).apply(vector), vector)


def test_satisfies_the_secant_equation_of_the_newest_pair() -> None:
    matrix = torch.diag(torch.arange(1.0, 7.0, dtype=torch.float64))
    for grid in (None, (1, 2, 3)):
        inverse = InverseHessian(grid, 3)
        for seed in range(5):
            s = random(6, seed=seed)
            assert inverse.update(s, matrix @ s)
        torch.testing.assert_close(inverse.apply(matrix @ s), s)
        assert len(inverse) == 3


def test_is_symmetric_and_positive() -> None:
    inverse = InverseHessian((3, 6, 5), 4)
    curvature = torch.linspace(0.1, 5, 90, dtype=torch.float64)
    for seed in range(6):
        s = random(90, seed=seed)
        inverse.update(s, curvature * s)
    matrix = torch.stack([inverse.apply(row) for row in torch.eye(90, dtype=torch.float64)])
    torch.testing.assert_close(matrix, matrix.T)
    assert torch.linalg.eigvalsh(matrix).min() > 0


def test_pairs_of_negative_curvature_and_overflow_are_skipped() -> None:
    inverse, s = InverseHessian(None, 3), random(4)
    assert not inverse.update(s, -s)
    assert not inverse.update(s, torch.zeros(4, dtype=torch.float64))
    assert not inverse.update(s, s * float("inf"))
    assert len(inverse) == 0


def test_oldest_pairs_are_dropped() -> None:
    inverse, s = InverseHessian((1, 2, 2), 3), random(4)
    inverse.update(s, 2 * s)
    inverse.clear()
    assert torch.equal(inverse.apply(s), s)


def test_curvature_of_each_frequency_band() -> None:
    """A Hessian that is diagonal in frequency: twelve pairs tell of more than twelve directions."""
    grid = (1, 24, 24)
    radius = (torch.fft.fftfreq(24)[:, None] ** 2 + torch.fft.rfftfreq(24) ** 2).sqrt().double()

    def hessian(vector: torch.Tensor) -> torch.Tensor:
        spectrum = torch.fft.rfft2(vector.view(24, 24)) * (0.01 + radius.square())
        image: torch.Tensor = torch.fft.irfft2(spectrum, s=(24, 24))
        return image.flatten()

    errors = []
    for shape in (grid, None):
        inverse = InverseHessian(shape, 12)
        for seed in range(12):
            s = random(576, seed=seed)
            inverse.update(s, hessian(s))
        vector = random(576, seed=99)
        errors.append(float((inverse.apply(hessian(vector)) - vector).norm() / vector.norm()))
    banded, plain = errors
    assert banded < 0.6 * plain
