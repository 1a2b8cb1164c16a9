"""How strongly a generator paints: the range, and which generators can be told."""

from torch import nn

MAX_STRENGTH = 1.5
"""The strongest that pictures are painted; 0 is the photo, 1 what the style was trained for."""


def takes_strength(generator: nn.Module) -> bool:
    """Say whether ``generator(x, strength)`` is known to it: whether strength was part of its training."""
    return bool(getattr(generator, "conditioned", False))
