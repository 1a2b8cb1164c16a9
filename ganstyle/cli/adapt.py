"""``--adapt``: a painting's style, trained on the photos that it is to paint."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ganstyle.cli.progress import ProgressLine

if TYPE_CHECKING:
    from ganstyle.stylize import PhotoPainter, PlannedFile

_PHOTOS = 16  # more would each get too few steps


def adapt_style(
    painter: "PhotoPainter", plan: "Sequence[PlannedFile]", steps: int, *, max_pixels: int | None
) -> "PhotoPainter":
    """Adapt a style to the photos of a plan, or to some from all of it if they are many.

    Those that cannot be read do not count here: they are reported when it is their turn.

    Raises:
        GanstyleError: the painter is not one style of a painting.
    """
    from ganstyle.anystyle import photo_view
    from ganstyle.errors import GanstyleError
    from ganstyle.images import MAX_PIXELS, read_image
    from ganstyle.style import Style

    if not isinstance(painter, Style):
        raise GanstyleError(
            f"--adapt {steps}: trains one style of a painting, -s PAINTING; not blends or regions"
        )
    files = [file.source for file in plan if not file.problem]
    photos = []
    for file in files[:: math.ceil(len(files) / _PHOTOS) or 1]:
        try:
            photo = read_image(file, max_pixels=MAX_PIXELS if max_pixels is None else max_pixels)
        except GanstyleError:
            continue
        photos.append(photo_view(photo, painter.recipe.style.size))  # small, so that many fit the memory
    if not photos:
        return painter
    line = ProgressLine()

    def show(step: int) -> None:
        count = f"{len(photos)} photos" if len(photos) > 1 else "the photo"
        line(f"adapting the style to {count}: step {step}/{steps}", step, steps)

    return painter.adapt(*photos, steps=steps, on_step=show)
