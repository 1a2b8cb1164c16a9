"""A photo that becomes a painting before one's eyes, or one painting that becomes another."""

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.files import atomic_write, check_file
from ganstyle.images import from_pil, to_pil
from ganstyle.style import Style
from ganstyle.stylize import Controls
from ganstyle.video.animation import write_gif
from ganstyle.video.clip import Frame

STEPS = 16
"""Pictures from one end of a transition to the other."""

_FRAME, _PAUSE = Fraction(1, 12), Fraction(1)  # seconds that a picture is shown, and the two ends are


def write_transition(
    path: str | Path,
    photo: Tensor,
    styles: Sequence[Style],
    controls: Controls | None = None,
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Write a GIF that leads from a photo to its painting, or through several paintings, and back; endless.

    Args:
        path: the file, ``.gif``.
        photo: (1, 3, H, W) in [0, 1].
        styles: one, whose strength rises from 0; or several that `ganstyle.style_from` made with the same
            generator, whose codes are mixed.
        controls: how each picture is painted; its strength is that of the paintings.
        overwrite: replace a file that exists.
        on_progress: called after each picture with how many are painted, of how many.

    Returns:
        The number of pictures.

    Raises:
        GanstyleError: the file cannot be written, or the styles have no codes that could be mixed.
    """
    if Path(path).suffix.lower() != ".gif":
        raise GanstyleError(f"{path}: a transition is written as GIF; give a name that ends in .gif")
    check_file(path, force=overwrite)
    _check_codes(styles)
    controls = controls or Controls()
    total = STEPS * max(1, len(styles) - 1) + 1
    pictures: list[Image.Image] = []  # in 8 bits, as there may be many large ones
    for index in range(total):
        leg, step = divmod(index, STEPS)
        share = (1 - math.cos(math.pi * step / STEPS)) / 2  # slow at both ends
        pictures.append(to_pil(_picture(photo, styles, leg, share, controls)))
        on_progress(index + 1, total)
    frames = [*range(total), *range(total - 2, 0, -1)]
    with atomic_write(path) as temporary:
        write_gif(
            temporary, _timed([pictures[index] for index in frames], pauses=set(range(0, total, STEPS))), 0
        )
    return len(frames)


def _check_codes(styles: Sequence[Style]) -> None:
    if len(styles) < 2:
        return
    for style in styles:
        if style.code is None:
            raise GanstyleError(
                f"{style.name}: is a trained style; a transition between styles takes paintings' files"
            )
    if len({style.code.generator for style in styles if style.code}) > 1:
        raise GanstyleError("the styles were made by different generators; make them by one")


@torch.inference_mode()
def _picture(photo: Tensor, styles: Sequence[Style], leg: int, share: float, controls: Controls) -> Tensor:
    """Return the picture that lies at a share, 0 to 1, of the way from one style to the next."""
    if len(styles) == 1:
        strength = controls.strength * (share if leg == 0 else 1.0)
        return styles[0].paint(photo, replace(controls, strength=strength)).cpu()
    first, second = styles[leg], styles[min(leg + 1, len(styles) - 1)]
    # Norms are linear functions of the code, and nothing else differs: this mixes the codes themselves.
    mixed = copy.deepcopy(first.generator)
    ends = first.generator.state_dict(), second.generator.state_dict()
    mixed.load_state_dict({key: torch.lerp(start, ends[1][key], share) for key, start in ends[0].items()})
    return replace(first, generator=mixed).paint(photo, controls).cpu()


def _timed(pictures: Sequence[Image.Image], pauses: set[int]) -> Iterator[Frame]:
    start = Fraction(0)
    for index, picture in enumerate(pictures):
        duration = _PAUSE if index in pauses else _FRAME
        yield Frame(from_pil(picture), start, duration)
        start += duration
