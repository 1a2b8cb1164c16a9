"""How strongly a generator paints: the range, which generators can be told, and how they are."""

import torch
from torch import Tensor, nn

from ganstyle.models.protocols import Generator

MAX_STRENGTH = 1.5
"""The strongest that pictures are painted; 0 is the photo, 1 what the style was trained for."""

# Trained so for 1,800 steps, a lean generator's content distance at strengths of 0.25, 0.5 and so on to 1.5
# is 0.23, 0.79, 0.89, 0.97, 1.03 and 1.07. With 0.25 here, after 400 steps, it was 0.75 to 0.89.
_FULLY_PAINTED = 0.5


def takes_strength(generator: nn.Module) -> bool:
    """Return whether ``generator(x, strength)`` works: whether strength was part of its training.

    A module that does not declare it, such as a foreign one, counts as a generator without strength.
    """
    return isinstance(generator, Generator) and generator.conditioned


def is_strength(key: str) -> bool:
    """Say whether an entry of a generator's ``state_dict`` is there for the sake of strength alone."""
    return key.endswith("_slope")


def strength_of_each(strength: float | Tensor, x: Tensor, *, conditioned: bool) -> Tensor | None:
    """Bring what a generator was told into the form that its layers take.

    Args:
        strength: one for all, or (B,), one for each.
        x: the photos (B, 3, H, W).
        conditioned: whether the generator can be told.

    Returns:
        (B,) on the photos' device, float32; None if the generator is not conditioned.

    Raises:
        ValueError: it is not, and the strength is another than 1.
    """
    if conditioned:
        return torch.as_tensor(strength, dtype=torch.float32, device=x.device).expand(x.shape[0])
    if isinstance(strength, Tensor) or strength != 1:
        raise ValueError("this generator was built without strength: it paints with strength 1 only")
    return None


def mix_in_photo(picture: Tensor, photo: Tensor, strength: Tensor) -> Tensor:
    """Lead to the photo where the strength goes to 0.

    A network that has looked at the photo in reduced size does not give it back to the pixel. So below a
    strength of a half the two are mixed, also in training, where the network learns to allow for it.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        photo: of the same shape.
        strength: (B,).
    """
    share = (strength / _FULLY_PAINTED).clamp(0, 1).view(-1, 1, 1, 1)
    return torch.lerp(photo, picture, share)
