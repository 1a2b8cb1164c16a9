"""What is reported of each photo."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["done", "failed", "skipped"]


@dataclass(frozen=True)
class FileEvent:
    """One file has been processed.

    Attributes:
        source: the photo.
        output: where its result is, or would be.
        status: ``skipped`` means that the output existed already and was left as it was.
        seconds: the time it took, reading and writing included.
        message: why it failed or was skipped, in one line; empty when done.
        index: the file's place among those that this process reports, from 1.
        total: the number of files; 0: not known.
        note: what is worth knowing of a result, in one line; mostly empty.
        photos: how many photos it stands for: 1, or those of a shard that was skipped.
    """

    source: Path
    output: Path
    status: Status
    seconds: float
    message: str
    index: int
    total: int
    note: str = ""
    photos: int = 1


@dataclass(frozen=True)
class Summary:
    """How many files were stylized, failed, and were skipped because their output existed."""

    done: int
    failed: int
    skipped: int
