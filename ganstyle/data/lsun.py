"""LSUN: photos in LMDB databases, one folder ``<class>_lmdb`` per class.

Layout and order of the images are those of ``torchvision.datasets.LSUN``. That class itself is not used: it
writes a pickle of the keys to the current folder under a name that two data sets can share, cannot be
pickled, and keeps the database open across ``fork``, which LMDB forbids.
"""

import itertools
import os
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import lmdb
import numpy as np
from torch import Tensor

from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.errors import DataError, ImageError
from ganstyle.images import decode_image

CATEGORIES = (
    *("bedroom", "bridge", "church_outdoor", "classroom", "conference_room", "dining_room"),
    *("kitchen", "living_room", "restaurant", "tower"),
)


class LsunImages(FaultTolerantDataset):
    """The images of one or more LSUN classes, one class after the other, each in the order of its keys.

    Args:
        path: the folder that holds the ``<class>_lmdb`` folders.
        classes: names such as ``church_outdoor_train``; or ``"train"``, ``"val"`` for all ten categories, or
            ``"test"``.

    Raises:
        DataError: a class is missing, is not an LMDB database, or is empty.
    """

    def __init__(self, path: str | Path, classes: str | Sequence[str]) -> None:
        self.classes = class_names(classes)
        self.databases = [_Database(_class_folder(Path(path), name)) for name in self.classes]
        self.ends = list(itertools.accumulate(len(database) for database in self.databases))
        super().__init__(self._read, self.ends[-1], str(path), self._reachable)

    def _reachable(self, index: int) -> bool:
        return (self.databases[bisect_right(self.ends, index)].folder / "data.mdb").is_file()

    def _read(self, index: int) -> Tensor:
        which = bisect_right(self.ends, index)
        database = self.databases[which]
        place = index - (self.ends[which] - len(database))
        return decode_image(database[place], f"{database.folder}: image {place}")[0]


def class_names(classes: str | Sequence[str]) -> list[str]:
    """Expand ``classes``: ``"train"`` and ``"val"`` stand for the sets of all ten categories.

    Raises:
        DataError: it is not a list of names, or is empty.
    """
    if classes in ("train", "val"):
        return [f"{category}_{classes}" for category in CATEGORIES]
    names = [classes] if isinstance(classes, str) else classes
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise DataError(f"lsun: classes names no class: {names!r}; try [church_outdoor_train]")
    return list(names)


def _class_folder(root: Path, name: str) -> Path:
    folder = root / f"{name}_lmdb"
    if not (folder / "data.mdb").is_file():
        found = sorted(path.name.removesuffix("_lmdb") for path in root.glob("*_lmdb"))
        there = f"classes found there: {', '.join(found)}" if found else "unpack LSUN there"
        raise DataError(f"{folder}: no LMDB database there for class {name}; {there}")
    return folder


class _Database:
    """One class: its keys, read once, and its values, read on demand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = _shared_environment(folder)
        # Millions of small bytes objects would take several times the memory, and workers would copy them.
        keys = self.environment.keys()
        self.ends = np.cumsum([len(key) for key in keys], dtype=np.int64)
        self.joined = b"".join(keys)
        if not keys:
            raise DataError(f"{folder}: the database holds no images; unpack LSUN again")

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, index: int) -> bytes:
        begin = self.ends[index - 1] if index else 0
        return self.environment.value(self.joined[begin : self.ends[index]])


class _Environment:
    """An LMDB environment, opened by each process that uses it.

    LMDB forbids opening a database twice in a process, and using one across a ``fork``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._handle: lmdb.Environment | None = None
        self._process = 0

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return _shared_environment, (self.folder,)

    def keys(self) -> list[bytes]:
        try:
            with self._open().begin() as transaction, transaction.cursor() as cursor:
                return [bytes(key) for key in cursor.iternext(keys=True, values=False)]
        except lmdb.Error as error:
            raise DataError(
                f"{self.folder}: not a readable LMDB database ({error}); unpack LSUN again"
            ) from error

    def value(self, key: bytes) -> bytes:
        try:
            with self._open().begin() as transaction:
                return bytes(transaction.get(key) or b"")
        except lmdb.Error as error:
            reason = f"{self.folder}: cannot be read ({error})"
            try:
                (self.folder / "data.mdb").stat()
            except OSError as lost:  # the disk is gone, which may pass
                raise ImageError(f"{reason}; make the disk available") from lost
            raise ImageError(f"{reason}; unpack LSUN again") from error

    def _open(self) -> lmdb.Environment:
        if self._handle is None or self._process != os.getpid():
            if self._handle is not None:  # the copy of a parent process, whose own stays open
                self._handle.close()
            self._handle = lmdb.open(
                str(self.folder), readonly=True, create=False, lock=False, readahead=False
            )
            self._process = os.getpid()
        return self._handle


_environments: WeakValueDictionary[Path, _Environment] = WeakValueDictionary()


def _shared_environment(folder: Path) -> _Environment:
    folder = folder.resolve()
    environment = _environments.get(folder)
    if environment is None:
        environment = _environments[folder] = _Environment(folder)
    return environment
