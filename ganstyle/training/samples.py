"""A grid of fixed photos, each beside what the generator makes of it."""

import torch
from torch import Tensor, nn

from ganstyle.data import ContentSource
from ganstyle.images import central_square, image_grid
from ganstyle.stylize.reflection import paint_reflected


class Samples:
    """Fixed photos for the sample grids of a run.

    Args:
        photos: the first ``count`` of them are used.
        count: how many.
        size: side of the central square that is shown, in pixels.
    """

    def __init__(self, photos: ContentSource, count: int, *, size: int) -> None:
        squares = [central_square(photos[index][None], size) for index in range(min(count, len(photos)))]
        self._photos = torch.cat(squares)

    @torch.inference_mode()
    def grid(self, generator: nn.Module, device: torch.device, *, count: int | None = None) -> Tensor:
        """Return the grid, (3, H, W) in [0, 1] on the CPU: each photo and its picture in turn.

        Args:
            generator: paints them.
            device: where the generator is.
            count: how many of the photos; None: all.
        """
        photos = self._photos[:count]
        pictures = [paint_reflected(generator, photo[None].to(device))[0].float().cpu() for photo in photos]
        pairs = [image for pair in zip(photos, pictures, strict=True) for image in pair]
        return image_grid(torch.stack(pairs), columns=4)
