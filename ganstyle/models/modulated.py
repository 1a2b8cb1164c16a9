"""The generator for any painting: a lean generator whose norms follow a painting's code."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganstyle.models.distilled import STUDENT_LAYERS
from ganstyle.models.lean import LeanGenerator
from ganstyle.models.norms import InstanceNorm, Modulation
from ganstyle.models.style_encoder import StyleEncoder


class ModulatedGenerator(nn.Module):
    """Paints photos in the style of a painting that it may never have seen.

    All its convolutions are shared by all paintings. What differs is the gain and the bias of every norm,
    which are predicted from the painting's code: Dumoulin et al. 2017, with the table of styles replaced by
    a network (Ghiasi et al. 2017). So a code can be baked into a plain `LeanGenerator` that paints the same.

    Args:
        width, depth, blocks, kernel, antialias, coarse, coarse_width: see `LeanGenerator`.
        octaves: octaves of the painting that its code knows.
        code: numbers in a code, for each layer of the feature network.
        projections: random projections of the painting's Gram matrices that its code knows as well, for each
            layer; see `RandomCovariance`. 0: none.
    """

    def __init__(
        self,
        width: int = 32,
        depth: int = 2,
        blocks: int = 5,
        kernel: int = 5,
        octaves: int = 3,
        code: int = 128,
        antialias: bool = False,
        projections: int = 0,
        coarse: int = 0,
        coarse_width: int = 96,
    ) -> None:
        super().__init__()
        self.options: dict[str, Any] = {
            "width": width,
            "depth": depth,
            "blocks": blocks,
            "kernel": kernel,
            "antialias": antialias,
            "coarse": coarse,
            "coarse_width": coarse_width,
        }
        self.lean = LeanGenerator(**self.options)
        self.encoder = StyleEncoder(STUDENT_LAYERS, octaves=octaves, size=code, projections=projections)
        channels = [norm.num_channels for norm in _norms(self.lean)]
        self.heads = nn.ModuleList(nn.Linear(code * len(STUDENT_LAYERS), 2 * count) for count in channels)
        for head in self.heads:  # at first, all paintings are one
            nn.init.normal_(head.weight, std=0.01)  # type: ignore[arg-type]
            nn.init.zeros_(head.bias)  # type: ignore[arg-type]

    def encode(self, octaves: Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the code of each painting of a batch, (B, layers, size); see `StyleEncoder`."""
        code: Tensor = self.encoder(octaves)
        return code

    def forward(self, x: Tensor, style: Tensor | Sequence[Mapping[str, Tensor]]) -> Tensor:
        """Return the stylized photos, (B, 3, H, W) in [0, 1].

        Args:
            x: the photos, (B, 3, H, W) in [0, 1].
            style: of a painting for each photo: codes, (B, layers, size), which may be mixed as
                ``torch.lerp`` does; or what ``encode`` makes them of.
        """
        code = style if isinstance(style, Tensor) else self.encode(style)
        return self.lean.paint(x, Modulation(torch.cat(self._changes(code), dim=1)))

    @torch.no_grad()
    def bake(self, code: Tensor, *, neutral: Tensor | None = None) -> LeanGenerator:
        """Return a plain generator that paints in one style.

        Args:
            code: the style's, (1, layers, size).
            neutral: a code that leaves photos as they are. With it, the plain generator takes a strength: at
                0 it paints by this code, at 1 by the style's, between and beyond by what lies on the line
                through both (Ghiasi et al. 2017, section 3.4).
        """
        plain = LeanGenerator(**self.options, strength=neutral is not None)
        plain.load_state_dict(self.lean.state_dict(), strict=False)
        changes = self._changes(code)
        starts = changes if neutral is None else self._changes(neutral)
        for norm, change, start in zip(_norms(plain), changes, starts, strict=True):
            gain, bias = start[0].chunk(2)
            gain, bias = norm.weight + gain, norm.bias + bias
            norm.weight.add_(change[0].chunk(2)[0])
            norm.bias.add_(change[0].chunk(2)[1])
            if neutral is not None:
                norm.set_at_zero(gain, bias)
        return plain

    def _changes(self, code: Tensor) -> list[Tensor]:
        """Return the changes of gains and biases of each norm, (B, 2·channels), in the order of execution."""
        return [head(code.flatten(1)) for head in self.heads]


def _norms(generator: LeanGenerator) -> list[InstanceNorm]:
    """Return the norms in the order of execution, which is the order of construction."""
    return [module for module in generator.modules() if isinstance(module, InstanceNorm)]
