"""Content sources: one call opens photos from a folder, shards, or a library's data set."""

import inspect
from collections.abc import Callable
from os import PathLike
from typing import Protocol, runtime_checkable

from torch import Tensor

from ganstyle.data.folder import FolderImages
from ganstyle.errors import DataError
from ganstyle.extras import require


class ContentSource(Protocol):
    """Images by index. It must be picklable, since data workers may be spawned."""

    def __len__(self) -> int:
        """Return the number of images, at least 1."""
        ...

    def __getitem__(self, index: int, /) -> Tensor:
        """Return image ``index``, (3, H, W) float32 in [0, 1]; always the same one for the same index."""
        ...


@runtime_checkable
class StreamedSource(Protocol):
    """A source that can only be read in order: its images are to be shuffled within windows of this size."""

    window: int


def _huggingface() -> Callable[..., ContentSource]:
    require("datasets", "content.kind huggingface")
    from ganstyle.data.huggingface import StreamedImages

    return StreamedImages


def _webdataset() -> Callable[..., ContentSource]:
    require("webdataset", "content.kind webdataset")
    from ganstyle.data.tar_images import ShardImages

    return ShardImages


def _lsun() -> Callable[..., ContentSource]:
    require("lmdb", "content.kind lsun")
    from ganstyle.data.lsun import LsunImages

    return LsunImages


def _torchvision() -> Callable[..., ContentSource]:
    from ganstyle.data.vision import VisionImages

    return VisionImages


# Functions that return the class, so that each kind's dependencies are imported only when it is used.
CONTENT_KINDS: dict[str, Callable[[], Callable[..., ContentSource]]] = {
    "folder": lambda: FolderImages,
    "huggingface": _huggingface,
    "lsun": _lsun,
    "torchvision": _torchvision,
    "webdataset": _webdataset,
}


def open_content(kind: str, **options: object) -> ContentSource:
    """Open a source of content photos.

    Args:
        kind: ``folder`` (options: path), ``webdataset`` (path), ``huggingface`` (path, name, split, column,
            count, window), ``lsun`` (path, classes) or ``torchvision`` (name, path, split, download, and that
            data set's own ones).
        options: keyword arguments of that kind.

    Returns:
        The source, with at least one image.

    Raises:
        DataError: the kind or an option is unknown, an option is missing, or there are no images.
    """
    if kind not in CONTENT_KINDS:
        raise DataError(f"content: unknown kind {kind}; valid: {', '.join(CONTENT_KINDS)}")
    create = CONTENT_KINDS[kind]()
    parameters = inspect.signature(create).parameters
    named = [name for name, p in parameters.items() if p.kind is not p.VAR_KEYWORD]
    unknown = [name for name in options if name not in named]
    if unknown and len(named) == len(parameters):
        raise DataError(f"content {kind}: unknown option {unknown[0]}; valid: {', '.join(named)}")
    missing = [n for n in named if parameters[n].default is inspect.Parameter.empty and n not in options]
    if missing:
        raise DataError(f"content {kind}: option {missing[0]} is missing; give all of: {', '.join(named)}")
    if "path" in options and not isinstance(options["path"], str | PathLike):
        raise DataError(f"content {kind}: path is no text: {options['path']!r}; give a folder's name")
    return create(**options)
