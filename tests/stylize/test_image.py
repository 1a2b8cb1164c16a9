import pytest
import torch
from torch import Tensor, nn

from ganstyle.errors import ImageError
from ganstyle.images.color import luminance
from ganstyle.models import GENERATORS
from ganstyle.stylize import Controls, stylize_image


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


def test_stylize_image_returns_the_generator_output() -> None:
    image = torch.rand(1, 3, 5, 7)
    result = stylize_image(Invert(), image)
    torch.testing.assert_close(result, 1 - image)


def test_stylize_image_converts_to_contiguous_float32() -> None:
    generator = Invert()
    image = torch.rand(2, 3, 4, 6, dtype=torch.float64).to(memory_format=torch.channels_last)
    result = stylize_image(generator, image)
    assert generator.given is not None
    assert generator.given.dtype == result.dtype == torch.float32
    # The fast instance norm must not see channels_last.
    assert generator.given.is_contiguous(memory_format=torch.contiguous_format)
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
def test_result_is_moved_back_to_the_cpu() -> None:
    generator = GENERATORS["resnet"](width=4).eval()
    image = torch.rand(1, 3, 33, 40)
    expected = stylize_image(generator, image)
    result = stylize_image(generator.cuda(), image)
    assert result.device.type == "cpu"
    torch.testing.assert_close(result, expected, atol=2e-3, rtol=0)


def test_non_finite_result_is_an_error() -> None:
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
def test_out_of_memory_gives_advice(error: Exception) -> None:
    with pytest.raises(ImageError, match="7x5 pixels need more memory than cpu has"):
        stylize_image(Raise(error), torch.rand(1, 3, 5, 7))


def test_programming_errors_are_not_hidden() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        stylize_image(Raise(RuntimeError("shapes do not fit")), torch.rand(1, 3, 5, 7))


class Tint(nn.Module):
    """Adds the strength to red: a generator that was trained with it."""

    conditioned = True

    def forward(self, x: Tensor, strength: float = 1.0) -> Tensor:
        return (x + strength * torch.tensor([0.2, 0.0, 0.0]).view(3, 1, 1)).clamp(0, 1)


def test_strength_reaches_a_generator_that_was_trained_with_it() -> None:
    image = torch.rand(1, 3, 4, 6) / 2
    for strength in (0.5, 1.0, 1.5):
        expected = Tint()(image, strength)
        assert torch.equal(stylize_image(Tint(), image, Controls(strength=strength)), expected)


@pytest.mark.parametrize("generator", [Invert(), Tint()], ids=["fading", "trained"])
def test_strength_0_is_the_photo_and_1_the_plain_result(generator: nn.Module) -> None:
    image = torch.rand(1, 3, 20, 30)
    assert torch.equal(stylize_image(generator, image, Controls(strength=0.0)), image)
    plain = stylize_image(generator, image)
    assert torch.equal(stylize_image(generator, image, Controls(strength=1.0)), plain)
    half = stylize_image(generator, image, Controls(strength=0.5))
    assert 0 < (half - image).abs().mean() < (plain - image).abs().mean()


def test_preserve_color_changes_only_luminance() -> None:
    image = torch.rand(2, 3, 9, 7)
    result = stylize_image(Invert(), image, Controls(preserve_color=True))
    torch.testing.assert_close(luminance(result), 1 - luminance(image), atol=1e-5, rtol=0)
    chroma = image - luminance(image)
    kept = result - luminance(result)
    assert (kept * chroma >= -1e-6).all()  # the same hue, at most less saturated


def test_mask_limits_the_stylized_area() -> None:
    image = torch.rand(2, 3, 6, 8)
    mask = torch.zeros(1, 1, 6, 8)
    mask[..., 4:] = 1
    mask[..., 0, :] = 0.5
    result = stylize_image(Invert(), image, Controls(mask=mask))
    assert torch.equal(result[..., 1:, :4], image[..., 1:, :4])
    torch.testing.assert_close(result[..., 1:, 4:], 1 - image[..., 1:, 4:])
    torch.testing.assert_close(result[..., 0, :], torch.full((2, 3, 8), 0.5))


def test_mismatched_mask_is_an_error_before_stylizing() -> None:
    generator = Invert()
    with pytest.raises(ImageError, match="aspect ratio"):
        stylize_image(generator, torch.rand(1, 3, 6, 8), Controls(mask=torch.rand(1, 1, 6, 6)))
    assert generator.given is None
