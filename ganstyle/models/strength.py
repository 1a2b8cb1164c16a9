"""The strength of the style: its range, which generators support it, and how it is applied."""

import torch
from torch import Tensor, nn

from ganstyle.models.protocols import Generator

MAX_STRENGTH = 1.5
"""The largest strength. 0 returns the photo; 1 is what the style was trained for."""

# Below this strength the picture is blended with the photo. With 0.5, after 1,800 steps, a lean generator's
# content distance at strengths 0.25, 0.5, … 1.5 is 0.23, 0.79, 0.89, 0.97, 1.03 and 1.07. With 0.25, after
# 400 steps, it was 0.75 to 0.89 throughout.
_UNBLENDED = 0.5


def takes_strength(generator: nn.Module) -> bool:
    """Return whether ``generator(x, strength)`` works: whether strength was part of its training.

    A module that does not declare it, such as a foreign one, counts as a generator without strength.
    """
    return isinstance(generator, Generator) and generator.conditioned


def is_strength(key: str) -> bool:
    """Return whether an entry of a generator's ``state_dict`` exists only for the strength."""
    return key.endswith("_slope")


def expand_strength(strength: float | Tensor, x: Tensor, *, conditioned: bool) -> Tensor | None:
    """Expand the strength to one value for each photo, as conditioned layers expect it.

    Args:
        strength: one for all, or (B,), one for each.
        x: the photos (B, 3, H, W).
        conditioned: whether the generator supports strengths other than 1.

    Returns:
        (B,) on the photos' device, float32; None if the generator is not conditioned.

    Raises:
        ValueError: the generator is not conditioned and the strength is not 1.
    """
    if conditioned:
        return torch.as_tensor(strength, dtype=torch.float32, device=x.device).expand(x.shape[0])
    if isinstance(strength, Tensor) or strength != 1:
        raise ValueError("this generator was built without strength: it paints with strength 1 only")
    return None


def blend_with_photo(picture: Tensor, photo: Tensor, strength: Tensor) -> Tensor:
    """Blend the picture with the photo at low strengths, so that strength 0 returns the photo exactly.

    A network that downsamples cannot reproduce the photo pixel by pixel. Below a strength of 0.5 the two are
    therefore blended, in training too, so that the network learns to compensate for it.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        photo: of the same shape.
        strength: (B,).
    """
    share = (strength / _UNBLENDED).clamp(0, 1).view(-1, 1, 1, 1)
    return torch.lerp(photo, picture, share)
