"""Parsing of what several commands take: paintings and their shares, options of an optimizer."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from ganstyle.style import Style


def first_painting(sources: Sequence[Path]) -> Path:
    """Return the file of the first painting, which sets a texture's size."""
    from ganstyle.data.folder import scan_folder

    return scan_folder(sources[0])[0] if sources[0].is_dir() else sources[0]


def read_styles(
    sources: Sequence[Path], shorter: int, mix: str | None
) -> tuple[list["Tensor"], list[Path], list[float]]:
    """Read paintings and folders of them.

    Args:
        sources: files and folders.
        shorter: paintings with a longer shorter side are reduced to it.
        mix: comma-separated numbers, the share of each source; equal if None. A folder's share is
            split evenly among its paintings.

    Returns:
        The paintings, their files and their shares.

    Raises:
        GanstyleError: a file cannot be read, a folder holds no painting, or the shares make no sense.
    """
    from ganstyle.data import StyleImages

    given = read_shares(mix, len(sources))
    images: list[Tensor] = []
    paths: list[Path] = []
    shares: list[float] = []
    for source, share in zip(sources, given, strict=True):
        found = StyleImages(source, max_shorter=shorter)
        images += found.images
        paths += found.paths
        shares += [share / len(found)] * len(found)
    return images, paths, shares


def read_shares(
    given: str | None, count: int, *, option: str = "--mix", of: str = "paintings"
) -> list[float]:
    """Read the shares of so many paintings or files: comma-separated numbers; all alike if None.

    Raises:
        GanstyleError: they are no numbers, or more or fewer than there are paintings.
    """
    from ganstyle.errors import GanstyleError

    try:
        shares = [1.0] * count if given is None else [float(share) for share in given.split(",")]
    except ValueError:
        raise GanstyleError(f"{option} {given}: give numbers, separated by commas, such as 2,1") from None
    if len(shares) != count:
        raise GanstyleError(f"{option} {given}: {len(shares)} shares for {count} {of}; give one each")
    return shares


def open_style(styles: Sequence[str], mix: str | None) -> "Style":
    """Load the style that one or several ``-s`` name; several paintings are mixed.

    Raises:
        GanstyleError: one cannot be loaded, a trained style is among several, or the shares make no sense.
    """
    from ganstyle.hub import is_hub_address
    from ganstyle.style import load_style, style_from

    shares = read_shares(mix, len(styles))
    if len(styles) > 1:
        return style_from(*styles, mix=shares)
    if styles[0].lower().endswith(".onnx") and not is_hub_address(styles[0]):
        from ganstyle.export import load_onnx
        from ganstyle.files import expand_user

        return load_onnx(expand_user(styles[0]))
    return load_style(styles[0])


def read_options(given: Sequence[str]) -> dict[str, object]:
    """Read options of an optimizer, each ``KEY=VALUE`` with a number, true, false, a word, or ``[a, b]``.

    Raises:
        GanstyleError: there is no key, or no value.
    """
    from ganstyle.errors import GanstyleError

    options: dict[str, object] = {}
    for text in given:
        key, _, word = text.partition("=")
        if not (key and word):
            raise GanstyleError(f"--option {text}: write KEY=VALUE, such as metropolis=true")
        try:
            value = json.loads(word)
        except ValueError:
            value = word
        options[key] = tuple(value) if isinstance(value, list) else value
    return options


def read_start_image(start: str, device: "torch.device") -> "Tensor | None":
    """Return the picture that ``--start`` names; None if it is a word: content or noise."""
    from ganstyle.images import read_image

    return None if start in ("content", "noise") else read_image(start).to(device)
