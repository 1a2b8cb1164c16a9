"""A painting's style as a code: the input of a modulated generator."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

# VGG-16's maps reach into the hundreds. Added before the logarithm, this gives a channel that never fires 0.
_FLOOR = 1.0


def map_statistics(maps: Tensor) -> Tensor:
    """Return the logarithms of each channel's mean and standard deviation over all positions.

    Args:
        maps: a feature map after a ReLU, (B, C, H, W).

    Returns:
        (B, 2·C), float32.
    """
    # On a CPU, half the time of torch.std_mean, which is slow along a dimension that is not the last.
    positions = maps.float().flatten(2).mT
    mean = positions.mean(1, keepdim=True)
    variance = (positions - mean).square().mean(1)
    deviation = variance.clamp_min(torch.finfo(variance.dtype).tiny).sqrt()  # sqrt has no slope at 0
    return torch.cat([mean[:, 0], deviation], dim=1).clamp_min(0).add(_FLOOR).log()


class RandomCovariance(nn.Module):
    """The covariances of fixed random projections of a feature map's channels.

    Two paintings may share all means and deviations and differ in which channels light up together, which
    is what a Gram matrix holds. The matrix itself is far too large for a code; that of a few random mixtures
    of the channels keeps the distances between paintings (Johnson and Lindenstrauss 1984).

    Args:
        channels: of the map.
        projections: how many mixtures.
    """

    def __init__(self, channels: int, projections: int) -> None:
        super().__init__()
        # Random, but fixed, and saved with the weights.
        mixing = nn.init.normal_(torch.empty(projections, channels), std=channels**-0.5)
        self.register_buffer("mixing", mixing)

    def forward(self, maps: Tensor) -> Tensor:
        """Return the covariances of (B, C, H, W), (B, P·(P + 1)/2), as signed logarithms in float32."""
        with torch.autocast(maps.device.type, enabled=False):
            mixed = self.get_buffer("mixing") @ maps.float().flatten(2)
            centered = mixed - mixed.mean(2, keepdim=True)
            covariance = centered @ centered.mT / centered.shape[2]
        rows, columns = torch.triu_indices(*covariance.shape[1:], device=maps.device)
        upper = covariance[:, rows, columns]
        return upper.sign() * upper.abs().log1p()


class StyleEncoder(nn.Module):
    """Turns the statistics of a painting's feature maps into one code for each layer of the feature network.

    Shallow layers know strokes and deep ones forms, and some blocks of a generator need one more than the
    other. So each layer has its own code (after the hierarchy of E2Style, Wei et al. 2022). The
    statistics are taken on octaves of the painting, so that they cover its large forms.

    Args:
        channels: layer -> channels of its map, the shallowest layer first.
        octaves: how many octaves of the painting there are.
        size: numbers in each code.
        projections: random mixtures of each map's channels whose covariances are read as well, see
            `RandomCovariance`; 0: none.
    """

    def __init__(self, channels: Mapping[str, int], *, octaves: int, size: int, projections: int = 0) -> None:
        super().__init__()
        self.layers = tuple(channels)
        self.octaves = octaves
        self.size = size
        self.covariances = nn.ModuleDict(
            {layer: RandomCovariance(count, projections) for layer, count in channels.items() if projections}
        )
        further = projections * (projections + 1) // 2
        self.networks = nn.ModuleDict(
            {layer: _mlp((2 * count + further) * octaves, size) for layer, count in channels.items()}
        )

    def forward(self, octaves: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return a painting's code, (B, layers, size).

        Args:
            octaves: feature maps, layer -> (B, C, H, W), of the painting and its halves, the full size first.
                For a painting too small for all of them, the last is repeated.
        """
        padded = [octaves[min(octave, len(octaves) - 1)] for octave in range(self.octaves)]
        codes = [
            self.networks[layer](torch.cat([self._statistics(layer, maps[layer]) for maps in padded], dim=1))
            for layer in self.layers
        ]
        return torch.stack(codes, dim=1)

    def _statistics(self, layer: str, maps: Tensor) -> Tensor:
        if layer not in self.covariances:
            return map_statistics(maps)
        return torch.cat([map_statistics(maps), self.covariances[layer](maps)], dim=1)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.LayerNorm(inputs), nn.Linear(inputs, 2 * outputs), nn.ReLU(), nn.Linear(2 * outputs, outputs)
    )
