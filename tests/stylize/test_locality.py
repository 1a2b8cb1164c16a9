import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle.errors import GanstyleError
from ganstyle.models import GENERATORS, InstanceNorm
from ganstyle.stylize.locality import Locality, measure_locality


class Blur(nn.Module):
    """A mean over neighbors, of every n-th pixel, enlarged again."""

    def __init__(self, reach: int, multiple: int = 1) -> None:
        super().__init__()
        self.reach, self.multiple = reach, multiple

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, 2 * self.reach + 1, 1, self.reach)
        height, width = x.shape[-2:]
        x = x[..., :: self.multiple, :: self.multiple]
        return F.interpolate(x, scale_factor=self.multiple)[..., :height, :width]


@pytest.mark.parametrize(
    ("reach", "multiple", "expected"),
    [(0, 1, Locality(0, 1)), (3, 1, Locality(3, 1)), (2, 4, Locality(5, 4)), (15, 8, Locality(22, 8))],
)
def test_locality_of_known_generators(reach: int, multiple: int, expected: Locality) -> None:
    measured = measure_locality(Blur(reach, multiple))
    assert measured.multiple == expected.multiple
    assert reach <= measured.reach <= expected.reach


def test_reach_longer_than_the_first_strip() -> None:
    class Far(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return (x + x.roll(300, -1) + x.roll(-300, -1)) / 3

    assert measure_locality(Far()) == Locality(300, 1)


@pytest.mark.parametrize(
    ("name", "options", "multiple"),
    [
        ("lean", {}, 4),
        ("lean", {"depth": 3, "kernel": 3}, 8),
        ("lean", {"strength": True, "antialias": True}, 4),
        ("resnet", {}, 4),
        ("unet", {"depth": 3}, 8),
    ],
)
def test_the_multiple_is_the_product_of_strides(name: str, options: dict[str, int], multiple: int) -> None:
    generator = GENERATORS[name](width=4, blocks=1, **options)
    locality = measure_locality(generator)
    assert locality.multiple == multiple
    assert 0 < locality.reach <= locality.margin < locality.reach + multiple


def test_reach_grows_with_blocks() -> None:
    reaches = [measure_locality(GENERATORS["lean"](width=4, blocks=blocks)).reach for blocks in (1, 2, 3)]
    assert reaches == [
        reaches[0],
        reaches[0] + 8,
        reaches[0] + 16,
    ]  # two kernels of 3 at a quarter of the size


def test_layers_whose_gain_is_zero_count() -> None:
    torch.manual_seed(0)
    generator = GENERATORS["lean"](width=4, blocks=2)
    expected = measure_locality(generator)
    quiet = GENERATORS["lean"](width=4, blocks=2)
    for module in quiet.modules():
        if isinstance(module, InstanceNorm):
            nn.init.zeros_(module.weight)
    assert measure_locality(quiet) == expected
    assert all(not m.weight.any() for m in quiet.modules() if isinstance(m, InstanceNorm))  # left as it was


class NoiseByPlace(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + torch.arange(x.shape[-1]) / x.shape[-1]


@pytest.mark.parametrize("generator", [nn.InstanceNorm2d(3), NoiseByPlace()], ids=["norm", "place"])
def test_global_operations_have_no_locality(generator: nn.Module) -> None:
    with pytest.raises(GanstyleError, match="the whole picture"):
        measure_locality(generator)
