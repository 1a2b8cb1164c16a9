"""Where Gradio keeps the files that visitors send, and which of them its queue still needs."""

import re
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradio import Blocks

_CLAIM_TIMEOUT = 60.0  # seconds after which an upload must be in use, or in a job that waits
_SHA256 = re.compile("[0-9a-f]{64}")


def find_uploads(folder: Path) -> Iterator[Path]:
    """Yield all uploads, complete or not, in Gradio's folder for them."""
    # Gradio puts each upload into a folder named by its SHA-256; until it is complete, it is a temporary
    # file. Not with `Path.glob`, which fails if a folder vanishes while it looks.
    for path in folder.iterdir():
        if path.name.startswith("tmp") and path.is_file():
            yield path
        elif _SHA256.fullmatch(path.name):
            with suppress(FileNotFoundError, NotADirectoryError):
                yield from path.iterdir()


def find_abandoned(folder: Path, used: Collection[Path]) -> list[Path]:
    """Return old uploads in Gradio's folder that are not among those in use; the mask editor leaves many.

    Args:
        folder: where Gradio keeps uploads.
        used: those in use.
    """
    before = time.time() - _CLAIM_TIMEOUT
    found = []
    for path in find_uploads(folder):
        with suppress(FileNotFoundError):  # another visitor who leaves removes the same ones
            if path not in used and path.stat().st_mtime < before:
                found.append(path)
    return found


def queued_uploads(blocks: "Blocks") -> list[tuple[str, Path]]:
    """Return the files that jobs were given which wait in the queue or are at work, each with its session.

    A job may wait for longer than any fixed time; only Gradio knows what it was given until it starts.

    Args:
        blocks: the application.
    """
    events = list(blocks._queue.event_ids_to_events.values())  # a copy: the server's own thread changes it
    return [(event.session_hash, path) for event in events if event.data for path in _paths(event.data.data)]


def _paths(sent: Any) -> Iterator[Path]:
    """Yield the paths in what a client has sent: anything that JSON can hold."""
    left = [sent]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            if isinstance(value.get("path"), str):
                yield Path(value["path"])
            left += value.values()
        elif isinstance(value, list):
            left += value
