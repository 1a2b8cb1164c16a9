"""How far a generator sees, and on what grid it works, measured: what tiles must respect."""

import copy
import math
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from ganstyle.errors import GanstyleError
from ganstyle.models import InstanceNorm

_HEIGHT = 32  # of the strips that are painted; no network needs more
_WIDTHS = (512, 1024, 4096)
_MULTIPLES = (1, 2, 4, 8, 16, 32, 64)
_COMPARED = 64  # columns
TOLERANCE = 1e-4
"""Difference of values in [0, 1] that rounding explains."""


@dataclass(frozen=True)
class Locality:
    """What of a photo a pixel of its painting depends on, norm statistics aside.

    Attributes:
        reach: pixels in each direction.
        multiple: shifting the photo by this many pixels shifts the painting and changes nothing else.
        norms: the reach of what each norm is given, in pixels of the photo and in the order of execution.
    """

    reach: int
    multiple: int
    norms: tuple[int, ...] = field(default=(), compare=False)

    @property
    def margin(self) -> int:
        """The reach, rounded up to a multiple."""
        return math.ceil(self.reach / self.multiple) * self.multiple


_MEASURED: WeakKeyDictionary[nn.Module, Locality] = WeakKeyDictionary()


def measure_locality(generator: nn.Module) -> Locality:
    """Measure how far a generator sees.

    The reach is how far a pixel that is not a number spreads, and the multiple the smallest power of two by
    which strips can be shifted. Both depend on the layers only: gains are set to 1, so that a branch that
    adds nothing yet is seen too.

    Args:
        generator: any; its norms must be `InstanceNorm`, or its result depends on the whole picture.

    Raises:
        GanstyleError: every pixel depends on the whole picture, or on where it lies in it.
    """
    if generator not in _MEASURED:
        _MEASURED[generator] = _measure(generator)
    return _MEASURED[generator]


def _measure(generator: nn.Module) -> Locality:
    probe = copy.deepcopy(generator).to("cpu", torch.float32).eval()
    norms = [module for module in probe.modules() if isinstance(module, InstanceNorm)]
    with torch.inference_mode():
        for norm in norms:
            norm.weight.fill_(1)
            norm.bias.zero_()
        for width in _WIDTHS:
            measured = _measure_on(probe, norms, width)
            if measured is not None:
                return measured
    raise GanstyleError("this style cannot be painted in tiles: its strokes depend on the whole picture")


def _measure_on(probe: nn.Module, norms: list[InstanceNorm], width: int) -> Locality | None:
    """Return the locality; None if it does not show on a strip of this width."""
    strip = torch.rand(1, 3, _HEIGHT, width, generator=torch.Generator().manual_seed(0))
    maps: list[Tensor] = []
    for norm in norms:
        norm.statistics = _Remember(maps)
    picture = probe(strip)  # from here on, the norms keep this strip's statistics
    middle = slice(width // 2 - _COMPARED // 2, width // 2 + _COMPARED // 2)
    for multiple in _MULTIPLES:
        shifted = torch.nn.functional.pad(probe(strip[..., multiple:]), (multiple, 0))
        if torch.allclose(shifted[..., middle], picture[..., middle], rtol=0, atol=TOLERANCE):
            break
    else:
        return None
    start = width // 2 // multiple * multiple
    strip[..., start : start + multiple] = torch.nan
    maps.clear()
    picture = probe(strip)
    reach, *of_norms = (_spread(map_, width, start, start + multiple) for map_ in (picture, *maps))
    # What reaches the ends may reach further, and the shifted middle may have seen the other end.
    return None if reach >= width // 2 - _COMPARED - multiple else Locality(reach, multiple, tuple(of_norms))


def _spread(map_: Tensor, width: int, start: int, stop: int) -> int:
    """Return how far columns that are not numbers have spread, in pixels.

    Args:
        map_: (B, C, h, w), of a strip.
        width: of the strip, in pixels.
        start: the first of its columns that were not numbers.
        stop: where they end.
    """
    scale = int(2 ** round(math.log2(width / map_.shape[-1])))
    columns: list[int] = map_.isnan().any(dim=(0, 1, 2)).nonzero().flatten().tolist()
    if not columns:  # a branch that does not look at the photo
        return 0
    return max(start - columns[0] * scale, (columns[-1] + 1) * scale - stop, 0)


class _Remember:
    """The statistics of the first map; notes all maps."""

    def __init__(self, maps: list[Tensor]) -> None:
        self._maps = maps
        self._known: tuple[Tensor, Tensor] | None = None

    def __call__(self, part: Tensor) -> tuple[Tensor, Tensor]:
        self._maps.append(part)
        if self._known is None:
            variance, mean = torch.var_mean(part, (0, 2, 3), correction=0)
            self._known = mean, variance
        return self._known
