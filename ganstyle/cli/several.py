"""What ``stylize`` paints with: one style, a blend of several, or one for each region."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganstyle.cli.inputs import open_style
from ganstyle.cli.paths import current_invocation, expand_home

if TYPE_CHECKING:
    from ganstyle.stylize import PhotoPainter

# A style's path may hold commas and equals signs; a number cannot.
_SHARE = re.compile(r"(.+?)=([^=,]*)(?:,(?!$)|$)")


def split_masks(masks: Sequence[str]) -> tuple[Path | None, list[tuple[Path, str]]]:
    """Tell the mask of the whole picture, ``FILE``, from those of regions, ``FILE=STYLE``.

    Returns:
        The former, if there is one, and the latter with their styles.

    Raises:
        GanstyleError: there are two masks of the whole picture, or a region has no style.
    """
    from ganstyle.errors import GanstyleError

    whole: Path | None = None
    regions = []
    for text in masks:
        file, equals, style = text.rpartition("=")
        if not equals or os.path.lexists(text):
            if whole is not None:
                raise GanstyleError(
                    f"--mask {whole} --mask {text}: two masks of the whole picture; "
                    "give one, or a style with each: --mask FILE=STYLE"
                )
            whole = expand_home(Path(text))
        elif file and style:
            regions.append((expand_home(Path(file)), style))
        else:
            raise GanstyleError(f"--mask {text}: write FILE, or FILE=STYLE, such as sky.png=starry_night")
    # Outputs are checked against inputs, and the files of regions are only known here.
    current_invocation().inputs.extend(file for file, _ in regions)
    return whole, regions


def open_painter(
    styles: Sequence[str],
    mix: str | None,
    *,
    blend: str | None,
    regions: Sequence[tuple[Path, str]] | None,
    feather: float | None,
) -> "PhotoPainter":
    """Load what paints: the style of ``-s``, or a blend; and the styles of regions on top of it.

    Args:
        styles: what ``-s`` names; see `open_style`.
        mix: see `open_style`.
        blend: ``NAME=WEIGHT,NAME=WEIGHT``, in the place of ``styles``.
        regions: masks and their styles; None: the command takes none.
        feather: see `ganstyle.regions`; None: its default.

    Raises:
        GanstyleError: there is no style, one cannot be loaded, or shares, masks or feather make no sense.
    """
    from ganstyle import composed
    from ganstyle.errors import GanstyleError
    from ganstyle.stylize import DEFAULT_FEATHER

    if blend is not None and (styles or mix is not None):
        raise GanstyleError("--blend names its styles itself; leave -s and --mix out")
    if not (styles or blend or regions):
        ways = "-s NAME or --blend NAME=WEIGHT,…"
        if regions is not None:
            ways = "-s NAME, --blend NAME=WEIGHT,… or --mask FILE=STYLE"
        raise GanstyleError(f"no style is given; give {ways}")
    base: PhotoPainter | None = None
    if blend is not None:
        base = composed.blend([(open_style([name], None), weight) for name, weight in read_blend(blend)])
    elif styles or mix is not None:
        if len(styles) > 1:
            _refuse_trained(styles)
        base = open_style(styles, mix)
    if not regions:
        if feather is not None:
            raise GanstyleError("--feather softens the edges of regions; give --mask FILE=STYLE")
        assert base is not None
        return base
    pairs = [(file, open_style([name], None)) for file, name in regions]
    return composed.regions(pairs, base=base, feather=DEFAULT_FEATHER if feather is None else feather)


def _refuse_trained(styles: Sequence[str]) -> None:
    """Refuse styles to mix among which one is trained, and point to ``--blend``."""
    from ganstyle.anystyle.baked import is_painting
    from ganstyle.errors import GanstyleError
    from ganstyle.files import expand_user

    for name in styles:
        if not (is_painting(name) or expand_user(name).is_dir()):
            shares = ",".join(f"{each}=1" for each in styles)
            raise GanstyleError(f"-s {name}: only paintings are mixed; try --blend {shares}")


def read_blend(text: str) -> list[tuple[str, float]]:
    """Read ``NAME=WEIGHT,NAME=WEIGHT``.

    Raises:
        GanstyleError: it is not of that form, or names a style twice.
    """
    from ganstyle.errors import GanstyleError

    matches = list(_SHARE.finditer(text))
    try:
        if not matches or matches[-1].end() < len(text):
            raise ValueError
        pairs = [(match[1].strip(), float(match[2])) for match in matches]
    except ValueError:
        raise GanstyleError(
            f"--blend {text}: write NAME=WEIGHT,NAME=WEIGHT, such as starry_night=0.6,wave=0.4"
        ) from None
    names = [name for name, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise GanstyleError(f"--blend {text}: names {twice} twice; give it once")
    return pairs
