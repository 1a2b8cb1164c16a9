import pytest
import torch
from torch import Tensor, nn

from ganstyle.errors import ImageError
from ganstyle.models import GENERATORS
from ganstyle.stylize import stylize_image


class Invert(nn.Module):
    """1 - x, and notes what it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.one = nn.Parameter(torch.ones(()))
        self.given: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        self.given = x
        return self.one - x


class Raise(nn.Module):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        raise self.error


def test_result_is_the_generators() -> None:
    image = torch.rand(1, 3, 5, 7)
    result = stylize_image(Invert(), image)
    torch.testing.assert_close(result, 1 - image)


def test_given_and_returned_tensors_are_plain() -> None:
    generator = Invert()
    image = torch.rand(2, 3, 4, 6, dtype=torch.float64).to(memory_format=torch.channels_last)
    result = stylize_image(generator, image)
    assert generator.given is not None
    assert generator.given.dtype == result.dtype == torch.float32
    assert generator.given.stride() == (72, 24, 6, 1)  # the fast instance norm must not see channels_last
    assert not result.requires_grad
    assert not result.is_inference()
    (result * torch.ones((), requires_grad=True)).sum().backward()  # type: ignore[no-untyped-call]


@pytest.mark.parametrize("name", ["resnet", "unet"])
@pytest.mark.parametrize("size", [(1, 1), (17, 5), (32, 33)])
def test_real_generators_keep_the_size(name: str, size: tuple[int, int]) -> None:
    generator = GENERATORS[name](width=4).eval()
    result = stylize_image(generator, torch.rand(1, 3, *size))
    assert result.shape == (1, 3, *size)
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_result_comes_back_from_the_gpu() -> None:
    generator = GENERATORS["resnet"](width=4).eval()
    image = torch.rand(1, 3, 33, 40)
    expected = stylize_image(generator, image)
    result = stylize_image(generator.cuda(), image)
    assert result.device.type == "cpu"
    torch.testing.assert_close(result, expected, atol=2e-3, rtol=0)


def test_a_result_that_is_not_finite() -> None:
    generator = Invert()
    generator.one.data.fill_(float("nan"))
    with pytest.raises(ImageError, match="not finite"):
        stylize_image(generator, torch.rand(1, 3, 4, 4))


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried ..."),
    ],
)
def test_too_little_memory(error: Exception) -> None:
    with pytest.raises(ImageError, match="7x5 pixels need more memory than cpu has"):
        stylize_image(Raise(error), torch.rand(1, 3, 5, 7))


def test_a_programmers_mistake_is_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        stylize_image(Raise(RuntimeError("shapes do not fit")), torch.rand(1, 3, 5, 7))
