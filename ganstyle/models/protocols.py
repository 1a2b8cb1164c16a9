"""What the rest of the package relies on when it is handed a network."""

from typing import Any, Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Generator(Protocol):
    """Paints photos: (B, 3, H, W) in [0, 1] to the same shape and range, at any size from 1x1 up.

    Attributes:
        conditioned: whether a strength was part of the training. If not, only strength 1 is accepted.
    """

    conditioned: bool

    def __call__(self, x: Tensor, strength: float | Tensor = 1.0, /) -> Tensor:
        """Return the stylized photos, (B, 3, H, W) in [0, 1].

        Args:
            x: the photos, (B, 3, H, W) in [0, 1].
            strength: one for all, or (B,), one for each.
        """
        ...


@runtime_checkable
class Discriminator(Protocol):
    """Tells patches of paintings from generated ones, by their pixels or by VGG-16's feature maps.

    Attributes:
        feature_layers: the layers whose maps it takes; empty: it takes pixels.
        minimum: the shortest side of a patch that it can judge, in pixels.
    """

    feature_layers: tuple[str, ...]
    minimum: int

    def __call__(self, x: Any, /) -> list[Tensor]:
        """Return logit maps (B, 1, h, w), one for each scale.

        Args:
            x: patches (B, 3, H, W) in [0, 1]; or, with feature layers, a mapping of those to the patches'
                maps (B, C, H/2ᵏ, W/2ᵏ).
        """
        ...
