"""What became of a collection: counts, reasons and rate, of one process and of all together."""

import hashlib
import json
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from ganstyle.files import atomic_write
from ganstyle.locks import one_at_a_time
from ganstyle.stylize.event import FileEvent, Status
from ganstyle.stylize.scale.state import state_folder
from ganstyle.stylize.scale.workers import Worker

STATUSES: tuple[Status, ...] = get_args(Status)


@dataclass
class Tally:
    """Counts events.

    Attributes:
        style: the style's name.
        lists_files: whether the record holds every photo, or only those that failed.
        counts: photos by status.
        failures: source and reason of each photo that failed.
        files: every photo, if asked for.
    """

    style: str
    lists_files: bool = True
    counts: Counter[str] = field(default_factory=Counter)
    failures: list[dict[str, str]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)
    _start: float = field(default_factory=time.perf_counter)

    def add(self, event: FileEvent) -> None:
        """Count an event."""
        self.counts[event.status] += event.photos
        if event.status == "failed":
            self.failures.append({"source": str(event.source), "message": event.message})
        if self.lists_files:
            self.files.append(
                {
                    "source": str(event.source),
                    "output": str(event.output),
                    "status": event.status,
                    "seconds": round(event.seconds, 4),
                    "message": event.message,
                }
            )

    def record(self) -> dict[str, Any]:
        """Return everything as plain JSON values; the rate is photos done a second, waiting included."""
        seconds = time.perf_counter() - self._start
        return {
            "style": self.style,
            **{status: self.counts[status] for status in STATUSES},
            "seconds": round(seconds, 3),
            "rate": round(self.counts["done"] / seconds, 3) if seconds > 0 else 0.0,
            "failures": self.failures,
            **({"files": self.files} if self.lists_files else {}),
        }


def merge_records(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the record of all processes from each one's.

    A photo that one process has done and another found done, or could not read either, counts once. The rate
    is that of all photos over the slowest process's time.
    """
    merged: dict[str, Any] = dict(records[0])
    if all("files" in record for record in records):
        files: dict[str, dict[str, Any]] = {}
        every = (file for record in records for file in record["files"])
        for file in sorted(every, key=lambda file: STATUSES.index(file["status"])):
            files.setdefault(file["output"], file)
        merged["files"] = sorted(files.values(), key=lambda file: str(file["source"]))
        merged |= {status: sum(f["status"] == status for f in files.values()) for status in STATUSES}
        failed = [file for file in merged["files"] if file["status"] == "failed"]
        merged["failures"] = [{"source": f["source"], "message": f["message"]} for f in failed]
    else:
        merged |= {status: sum(record[status] for record in records) for status in STATUSES}
        merged["failures"] = [failure for record in records for failure in record["failures"]]
    merged["seconds"] = max(record["seconds"] for record in records)
    merged["rate"] = round(merged["done"] / merged["seconds"], 3) if merged["seconds"] else 0.0
    return merged | {"processes": len(records)}


def is_record(path: Path) -> bool:
    """Say whether a file holds the record of a collection."""
    try:
        record = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(record, dict) and {"style", *STATUSES, "seconds", "rate", "failures"} <= record.keys()


class Parts:
    """The records of the processes of one launch, gathered by whichever ends last.

    Args:
        output: the folder for results.
        worker: this process.
    """

    def __init__(self, output: Path, worker: Worker) -> None:
        self._folder, self._worker = state_folder(output), worker
        launch = hashlib.sha256(worker.launch.encode()).hexdigest()[:8]
        names = [f"part-{launch}-{rank:06}-of-{worker.world:06}.json" for rank in range(worker.world)]
        self._paths = [self._folder / name for name in names]
        self._paths[worker.rank].unlink(missing_ok=True)

    def add(self, record: dict[str, Any]) -> dict[str, Any] | None:
        """Keep this process's record; return that of all if it was the last one, else None."""
        with one_at_a_time(self._folder / "parts.lock"):
            with atomic_write(self._paths[self._worker.rank]) as temporary:
                temporary.write_text(json.dumps(record), encoding="utf-8")
            if not all(path.is_file() for path in self._paths):
                return None
            merged = merge_records([json.loads(path.read_text(encoding="utf-8")) for path in self._paths])
            for path in self._folder.glob("part-*.json"):
                path.unlink(missing_ok=True)
        with suppress(OSError):
            (self._folder / "parts.lock").unlink()
        return merged
