"""A branch at half the resolution, which widens a generator's view."""

from torch import Tensor, nn

from ganstyle.models.blocks import ConvBlock, Pad, ResidualBlock
from ganstyle.models.norms import Condition, InstanceNorm
from ganstyle.models.upsample_conv import LATTICE_REACH, UpsampleConv, remove_lattice

# The four kernels of `UpsampleConv` round differently: on a picture of one color, by 1e-7 of values of about
# 0.1. On a photo the variance is above 1.
_ROUNDING = 1e-8


class CoarseBranch(nn.Module):
    """Residual blocks at half the resolution, added to their input: one level of an hourglass.

    A block there sees twice as far as one at full resolution and costs a quarter as much per channel. The
    last norm's gain starts at zero (Goyal et al. 2017), so that a new branch leaves a trained network's
    output as it is.

    Source: Newell et al. 2016, "Stacked Hourglass Networks", section 3.1.

    Args:
        channels: channels of input and output.
        width: channels at half the resolution.
        blocks: residual blocks there.
        conditioned: whether the norms depend on the strength.
        antialias: take the lattice of 2x2 blocks out of what is added; see `remove_lattice`.
    """

    def __init__(
        self,
        channels: int,
        width: int,
        blocks: int,
        *,
        conditioned: bool = False,
        antialias: bool = False,
    ) -> None:
        super().__init__()
        self.antialias = antialias
        self.down = ConvBlock(channels, width, stride=2, conditioned=conditioned)
        self.body = nn.ModuleList(ResidualBlock(width, conditioned=conditioned) for _ in range(blocks))
        self.up = UpsampleConv(width, channels, bias=False)
        self.norm = InstanceNorm(channels, conditioned=conditioned, floor=_ROUNDING)
        self.pad = Pad(LATTICE_REACH)
        nn.init.zeros_(self.norm.weight)

    def forward(self, x: Tensor, condition: Condition = None) -> Tensor:
        """Return a map of the shape of ``x``, (B, channels, H, W); H and W must be even."""
        out = self.down(x, condition)
        for block in self.body:
            out = block(out, condition)
        out = self.norm(self.up(out), condition)
        added: Tensor = x + (remove_lattice(out, self.pad) if self.antialias else out)
        return added


def is_coarse_branch(key: str) -> bool:
    """Return whether an entry of a generator's ``state_dict`` belongs to a coarse branch."""
    return key.startswith("coarse.")
