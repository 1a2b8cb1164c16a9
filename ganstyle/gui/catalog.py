"""The styles that can be chosen: shipped ones, those of a folder and of runs, and visitors' own."""

import uuid
import warnings
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from threading import Lock

import torch

from ganstyle.anystyle import find_any
from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.evaluate.ranking import find_styles
from ganstyle.files import file_identity
from ganstyle.gui.blend import VisitorBlends
from ganstyle.gui.inputs import Upload
from ganstyle.style import Style, load_style, shipped_styles, style_from
from ganstyle.stylize import PhotoPainter

MOST_BAKED = 4
"""Styles of paintings that stay in memory."""


class StyleCatalog:
    """Lists styles and loads each when it is first used.

    A client names a style by its key; a path that a client sends is never opened. A visitor's painting is a
    style too, if the generator for any painting is at hand; its key cannot be guessed.

    Args:
        folder: of further styles, searched recursively; files that are not styles are skipped with a warning.
            One whose key is taken, as by a shipped style, gets the folder's name before it.
        device: where the generators go.
        runs: a folder of runs, whose styles `refresh` adds; None: there are none.

    Raises:
        DataError: there is no such folder, or it contains no styles.
    """

    def __init__(self, folder: Path | None, device: torch.device, runs: Path | None = None) -> None:
        self._device = device
        self._runs = runs
        self._lock = Lock()
        self._baking = Lock()  # of one painting at a time, which takes seconds; styles at hand do not wait
        self._loaded: dict[str, tuple[int, Style]] = {}
        self._paintings: dict[str, tuple[str, Upload]] = {}
        self._baked: dict[str, Style] = {}
        self._refined: dict[str, Path] = {}  # a style's file in the place of what the painting is at once
        self.blends = VisitorBlends()  # see `painter`
        self._paths: dict[str, Path] = {}
        found = [(key, path, "") for key, path in shipped_styles().items()]
        shipped = {file_identity(path) for _, path, _ in found}
        if folder:
            own = [path for path in find_styles(folder) if file_identity(path) not in shipped]
            found += [(_key(path, folder), path, folder.resolve().name) for path in own]
        for key, path, place in found:
            try:
                load_style(path)
            except CheckpointError as error:
                warnings.warn(f"skipped: {error}", stacklevel=2)
            else:
                self._paths[self._free(key, place)] = path
        self.refresh()

    def refresh(self) -> list[str]:
        """Add the styles that runs have made meanwhile, each by its run's name, and return all keys."""
        with self._lock:  # pages and the training's end may refresh at once: each style gets one key
            known = {file_identity(path) for path in self._paths.values()}
            for path in sorted(self._runs.glob("*/style.safetensors")) if self._runs else []:
                with suppress(CheckpointError):  # being removed, or damaged: there is nothing to choose
                    if file_identity(path) not in known:
                        load_style(path)
                        self._paths[self._free(path.parent.name, "runs")] = path
        return self.keys

    def _free(self, key: str, place: str) -> str:
        """Return a key that no other style has: as given, or else with the name of its place before it."""
        placed = f"{place}/{key}"
        keys = chain([key, placed], (f"{placed} ({number})" for number in count(2)))
        return next(each for each in keys if each not in self._paths)

    @property
    def keys(self) -> list[str]:
        """What can be chosen, in order: without styles whose files are gone, for as long as they are."""
        paths = list(self._paths.items())  # a copy: `refresh` in another thread may add some meanwhile
        return [key for key, path in paths if _is_file(path)]

    @property
    def first(self) -> str | None:
        """The initial choice, if there is anything to choose from."""
        return next(iter(self.keys), None)

    @property
    def takes_paintings(self) -> bool:
        """Whether the generator for any painting is at hand."""
        try:
            return find_any().is_file()
        except CheckpointError:
            return False

    def add_painting(self, session: str, painting: Upload) -> str:
        """Add a visitor's painting as a style, and return its key.

        Raises:
            ImageError: it is no image.
        """
        painting.check()
        key = f"painting-{uuid.uuid4().hex}"
        with self._lock:
            self._paintings[key] = session, painting
        return key

    def forget(self, session: str) -> None:
        """Forget a visitor's paintings and blends."""
        self.blends.forget(session)
        with self._lock:
            for key in [key for key, (owner, _) in self._paintings.items() if owner == session]:
                del self._paintings[key]
                self._baked.pop(key, None)
                self._refined.pop(key, None)

    def painting(self, session: str, key: str) -> Upload | None:
        """Return the painting of this visitor that a style is of; None if it is another kind of style."""
        with self._lock:
            owner, painting = self._paintings.get(key, (None, None))
        return painting if owner == session else None

    def refined(self, key: str) -> Path | None:
        """Return the file that has taken a painting's place, if one has."""
        return self._refined.get(key)

    def refine(self, session: str, key: str, path: Path) -> None:
        """Let a style's file take the place of a visitor's painting, as long as the visitor is here.

        Raises:
            CheckpointError: it is no style.
        """
        style = load_style(path)
        style.generator.to(self._device)
        with self._lock:
            if self._paintings.get(key, ("",))[0] == session:
                self._refined[key] = path
                self._remember(key, style)

    def _remember(self, key: str, style: Style) -> None:
        self._baked.pop(key, None)
        self._baked[key] = style
        for old in list(self._baked)[:-MOST_BAKED]:
            del self._baked[old]

    def choices(self, session: str) -> list[tuple[str, str]]:
        """Return what a visitor can choose: what is shown, and the key."""
        keys = [*self.keys, *self.paintings(session)]
        return [(self.label(key), key) for key in keys] + self.blends.choices(session)

    def paintings(self, session: str) -> list[str]:
        """Return the keys of a visitor's paintings, the oldest first."""
        with self._lock:
            return [key for key, (owner, _) in self._paintings.items() if owner == session]

    def label(self, key: str) -> str:
        """Return what a style is called on the page."""
        owned = self._paintings.get(key)
        refined = ", refined" if key in self._refined else ""
        return f"{owned[1].name}{refined}" if owned else self.blends.label(key) or key

    def painter(self, key: str | None) -> PhotoPainter:
        """Return a style, a blend of several, or one with others in parts; see `__getitem__`."""
        return self.blends.painter(key, self.__getitem__) or self[key]

    def __getitem__(self, key: str | None) -> Style:
        """Return a style, its generator on the device.

        Raises:
            GanstyleError: there is no style with this key, or its file was removed or changed meanwhile.
        """
        if key in self._paintings:
            return self._bake(key)
        if key is None or key not in self._paths:
            raise self._unknown(key)
        with self._lock:
            version, loaded = self._loaded.get(key, (0, None))
            with suppress(OSError):
                version = self._paths[key].stat().st_mtime_ns  # a training writes it again and again
            if loaded is None or version != self._loaded[key][0]:
                try:
                    loaded = load_style(self._paths[key])
                except CheckpointError as error:
                    raise GanstyleError(f"style {key}: cannot be loaded any more; choose another") from error
                loaded.generator.to(self._device)
                self._loaded[key] = version, loaded
            return loaded

    def _unknown(self, key: str | None) -> GanstyleError:
        return GanstyleError(f"there is no style '{key}'; choose from {', '.join(self.keys) or 'none'}")

    def _bake(self, key: str) -> Style:
        _, baked = self._look_up(key)
        if baked:
            return baked
        with self._baking:
            painting, baked = self._look_up(key)
            if baked:
                return baked
            refined = self._refined.get(key)
            style = load_style(refined) if refined else style_from(painting.read())
            style.generator.to(self._device)
            with self._lock:
                # Its visitor may have left meanwhile, or a better style have come.
                if key in self._paintings and self._refined.get(key) == refined:
                    self._remember(key, style)
        return style

    def _look_up(self, key: str) -> tuple[Upload, Style | None]:
        """Return a visitor's painting, and its style if it is in memory."""
        with self._lock:
            if key not in self._paintings:  # its visitor has left just now
                raise self._unknown(key)
            return self._paintings[key][1], self._baked.get(key)


def _key(path: Path, folder: Path) -> str:
    """Name a style by its place in a folder; the latest of a run by the run, as its file has a fixed name."""
    name = path.relative_to(folder).with_suffix("")
    if name.name == "style" and len(name.parts) > 1:
        name = name.parent
    return name.as_posix()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a folder that may not be read any more
        return False
