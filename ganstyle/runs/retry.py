"""Waiting for a disk that is away for a moment, as network disks are."""

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ganstyle.data.transient import DISK_AWAY
from ganstyle.errors import GanstyleError

T = TypeVar("T")

_WAITS = (1, 2, 4, 8, 15)  # seconds between the attempts: half a minute in all


def retry_io(action: Callable[[], T], path: Path, *, inside: Path | None = None) -> T:
    """Do something with files; if the disk is away, wait and try again, for half a minute in all.

    Args:
        action: may be called several times.
        path: what it reads or writes, for the warning.
        inside: a folder that must exist; while it does not, the disk is away. Without this, the path would be
            made again where the disk is mounted.

    Raises:
        OSError, GanstyleError: the last attempt's; the first one's, if waiting does not help against it, as
            against a full disk.
    """
    for wait in _WAITS:
        try:
            return _attempt(action, inside)
        except (OSError, GanstyleError) as error:
            cause = error if isinstance(error, OSError) else error.__cause__
            if not _is_transient(cause, inside):
                raise
            warnings.warn(
                f"{path}: {getattr(cause, 'strerror', None) or cause}; trying again in {wait} s",
                RuntimeWarning,
                stacklevel=2,
            )
        time.sleep(wait)
    return _attempt(action, inside)


def _attempt(action: Callable[[], T], inside: Path | None) -> T:
    if inside is not None:
        inside.stat()
    return action()


def _is_transient(error: BaseException | None, inside: Path | None) -> bool:
    if isinstance(error, FileNotFoundError):
        return inside is not None and not inside.exists()
    return isinstance(error, OSError) and error.errno in DISK_AWAY
