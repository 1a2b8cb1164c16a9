"""Whether a generator's tiles fit together without overlap, measured."""

import copy
from weakref import WeakKeyDictionary

import torch
from torch import nn

from ganstyle.models import InstanceNorm, Pad
from ganstyle.stylize.grid import Tile, divide
from ganstyle.stylize.locality import TOLERANCE, Locality, measure_locality
from ganstyle.stylize.statistics import SharedStatistics

JOINED_TILE = 128
"""The least limit on the side of tiles without overlap: networks pad pictures that are much smaller."""

_SIZE = (136, 264)  # of the picture that is painted, in pixels

_MEASURED: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def divide_without_overlap(height: int, width: int, side: int, multiple: int) -> list[Tile]:
    """Divide a picture into tiles that do not overlap, of at least half of `JOINED_TILE` a side.

    Args:
        height: of the picture, in pixels.
        width: of the picture, in pixels.
        side: the largest side of a tile; at least `JOINED_TILE` is used.
        multiple: see `Locality`.
    """
    return divide(height, width, max(side, JOINED_TILE), Locality(0, multiple), smallest=JOINED_TILE // 2)


def can_join(generator: nn.Module) -> bool:
    """Say whether tiles of a picture can be painted side by side, giving each other their borders.

    They can if the generator looks beyond a pixel through `Pad` only, which is found out by painting a small
    picture both ways. As in `measure_locality`, gains are set to 1.

    Raises:
        GanstyleError: the generator needs the whole picture.
    """
    if generator not in _MEASURED:
        _MEASURED[generator] = _measure(generator)
    return _MEASURED[generator]


def _measure(generator: nn.Module) -> bool:
    multiple = measure_locality(generator).multiple
    if not any(isinstance(module, Pad) for module in generator.modules()):
        return False
    probe = copy.deepcopy(generator).to("cpu", torch.float32).eval()
    photo = torch.rand(1, 3, *_SIZE, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        for module in probe.modules():
            if isinstance(module, InstanceNorm):
                module.weight.fill_(1)
                module.bias.zero_()
        whole = probe(photo)
        tiles = divide_without_overlap(*_SIZE, JOINED_TILE, multiple)
        painted = SharedStatistics(probe).paint(probe, tiles, lambda tile: tile.seen(photo), joined=True)
        try:
            return all(
                torch.allclose(part, tile.place(whole), rtol=0, atol=TOLERANCE) for tile, part in painted
            )
        except RuntimeError:  # maps of its tiles do not fit together
            return False
