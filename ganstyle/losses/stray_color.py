"""Stray color: patches that are more colorful than the photo is there."""

from kornia.filters import gaussian_blur2d
from torch import Tensor

_FORMS = 24  # of the size that counts as a patch, side by side along the shorter side
_MARGIN = 0.01  # of color that may always be added, as a distance from gray in RGB
_UNIT = 0.1  # of color beyond it that counts as 1


def stray_color(picture: Tensor, photo: Tensor) -> Tensor:
    """Say how much color a picture has in patches where its photo has less.

    Gram matrices do not say where a painting's colors go. A generator puts some of them where they cost
    least: onto roads, sand and walls, in patches that nothing in the photo explains. This leaves all colors
    to places that have some color already, and grays and dark or light tones to the rest.

    Args:
        picture: (B, 3, H, W) in [0, 1].
        photo: what it was made from, of the same shape.

    Returns:
        Shape (B,), at least 0, in squares of a tenth of the range from black to white.
    """
    excess = _colorfulness(picture.float()) - _colorfulness(photo.float()) - _MARGIN
    return (excess.clamp(min=0) / _UNIT).square().mean((1, 2))


def _colorfulness(image: Tensor) -> Tensor:
    """Return the distance from gray of an image's patches, (B, H, W)."""
    scale = min(image.shape[-2:]) / _FORMS
    side = 2 * int(3 * scale) + 1
    smooth = gaussian_blur2d(image, (side, side), (scale, scale)) if side > 1 else image
    # Of gray the root is 0, and would have no gradient.
    return ((smooth - smooth.mean(1, keepdim=True)).square().sum(1) + 1e-6).sqrt()
