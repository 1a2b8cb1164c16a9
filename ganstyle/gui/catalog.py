"""The styles that can be chosen: what ships, and a folder of one's own."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import torch

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.evaluate.ranking import find_styles
from ganstyle.style import Style, load_style, shipped_styles


@dataclass(frozen=True)
class Entry:
    """A style that can be chosen.

    Attributes:
        key: names it; unique.
        path: its file.
        credit: the painting's title, author and year, as far as they are known.
    """

    key: str
    path: Path
    credit: str


class StyleCatalog:
    """Lists styles and loads each when it is first asked for.

    A client names a style by its key; a path that a client sends is never opened.

    Args:
        folder: of further styles, searched recursively; files that are no styles are left out with a warning.
        device: where the generators go.

    Raises:
        DataError: there is no such folder, or it holds no styles.
    """

    def __init__(self, folder: Path | None, device: torch.device) -> None:
        self._device = device
        self._lock = Lock()
        self._loaded: dict[str, Style] = {}
        paths = dict(shipped_styles())
        for path in find_styles(folder) if folder else []:
            paths.setdefault(_key(path, folder), path)
        self.entries: dict[str, Entry] = {}
        for key, path in paths.items():
            try:
                style = load_style(path)
            except CheckpointError as error:
                warnings.warn(f"left out: {error}", stacklevel=2)
                continue
            self.entries[key] = Entry(key, path, credit(style))

    @property
    def keys(self) -> list[str]:
        """What can be chosen, in order."""
        return list(self.entries)

    @property
    def first(self) -> str | None:
        """What is chosen at first, if there is anything to choose from."""
        return next(iter(self.entries), None)

    def __getitem__(self, key: str | None) -> Style:
        """Return a style, its generator on the device.

        Raises:
            GanstyleError: there is none of this key.
            CheckpointError: its file has gone or changed meanwhile.
        """
        if key is None or key not in self.entries:
            raise GanstyleError(f"there is no style '{key}'; choose from {', '.join(self.entries) or 'none'}")
        with self._lock:
            if key not in self._loaded:
                style = load_style(self.entries[key].path)
                style.generator.to(self._device)
                self._loaded[key] = style
            return self._loaded[key]


def credit(style: Style) -> str:
    """Name the painting, as far as its recipe does: title, author, year."""
    painting = style.recipe.style
    return ", ".join(str(part) for part in (painting.title, painting.author, painting.year) if part)


def _key(path: Path, folder: Path | None) -> str:
    """Name a file by its place in a folder; of a run, by the run and not by its file's fixed name."""
    relative = path.relative_to(folder) if folder else path
    name = relative.with_suffix("")
    if name.name == "style" and len(name.parts) > 1:
        name = name.parent
    return name.as_posix()
