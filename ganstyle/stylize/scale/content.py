"""Knowing finished work by its content: what each result was made from, recorded beside the results."""

import hashlib
import json
import os
import secrets
import time
from dataclasses import asdict
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, runtime_checkable

from torch import nn

from ganstyle.files import sha256
from ganstyle.images import SavingOptions
from ganstyle.stylize.controls import Controls
from ganstyle.stylize.event import Status
from ganstyle.stylize.layers import layers_of
from ganstyle.stylize.scale.state import state_folder

_CHANGED = "was changed since it was written"
_UNKNOWN = "exists already, and nothing is recorded about it"


class SettledError(Exception):
    """There is nothing to do for a photo.

    Args:
        status: what became of it.
        message: why, in one line.
    """

    def __init__(self, status: Status, message: str) -> None:
        super().__init__(message)
        self.status: Status = status


@runtime_checkable
class HasDigest(Protocol):
    """A generator whose weights are not PyTorch's."""

    def digest(self) -> bytes:
        """Return a hash of its weights."""
        ...


class ContentRecord:
    """What results were made from: hashes of photo, style and settings.

    A line is appended before a result is written and another one after that, to a file of this process's own;
    so a killed process leaves at most those results in doubt that it was writing, and they are made again.

    Args:
        output: the folder for results; the record is kept in its `state_folder`.
        settings: from `hash_settings`.

    Attributes:
        settings: the same.

    Raises:
        GanstyleError: the record cannot be written.
    """

    def __init__(self, output: Path, settings: str) -> None:
        self._output, self.settings = output, settings
        folder = state_folder(output)
        self._known = _read(folder)
        name = f"content-{int(time.time())}-{secrets.token_hex(4)}.jsonl"
        self._path, self._lock = folder / name, Lock()

    def key(self, source: Path, image_format: str | None = None) -> str:
        """Return the hash of the content of a photo, or of a shard of them, with style and settings.

        Args:
            source: the file.
            image_format: of the results, where their file's name does not tell it, as a shard's does not.

        Raises:
            OSError: the file cannot be read.
        """
        basis = f"{sha256(source)} {self.settings}{f' {image_format}' if image_format else ''}"
        return hashlib.sha256(basis.encode()).hexdigest()

    def check(self, output: Path, key: str, *, overwrite: bool) -> None:
        """Raise `SettledError` if a result is what it should be, or may not be replaced."""
        if not os.path.isfile(output):  # noqa: PTH113 - takes any name
            return
        known = self._known.get(self._name(output))
        if known is not None and known["key"] == key and known.get("sha256"):
            raise SettledError("skipped", f"{output}: is up to date")
        if overwrite or (known is not None and not known.get("sha256")):  # that was being written
            return
        if known is None or known["sha256"] != sha256(output):
            problem = _UNKNOWN if known is None else _CHANGED
            raise SettledError("failed", f"{output}: {problem}; use --force to replace it")

    def begin(self, output: Path, key: str) -> None:
        """Record that a result is about to be written."""
        self._append({"output": self._name(output), "key": key, "sha256": None})

    def finish(self, output: Path, key: str) -> None:
        """Record that a result has been written."""
        self._append({"output": self._name(output), "key": key, "sha256": sha256(output)})

    def _name(self, output: Path) -> str:
        return os.path.relpath(output, self._output)

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry | {"time": time.time()}) + "\n"
        with self._lock, self._path.open("a", encoding="ascii") as file:
            file.write(line)


def hash_settings(
    generator: nn.Module,
    controls: Controls,
    *,
    trained_side: int,
    max_side: int | None,
    saving: SavingOptions,
) -> str:
    """Return the hash of all that a result depends on, apart from the photo and the result's format.

    Args:
        generator: the network, or several in layers; their weights count.
        controls: as for `ganstyle.stylize.stylize_image`, like the three below.
        trained_side: see there.
        max_side: see `ganstyle.stylize.stylize_plan`.
        saving: see there.
    """
    digest, layers = hashlib.sha256(), layers_of(generator, trained_side)
    settings = {
        "layers": [[type(layer.generator).__name__, layer.trained_side, layer.share] for layer in layers],
        "strength": controls.strength,
        "stroke_size": controls.stroke_size,
        "preserve_color": controls.preserve_color,
        "max_side": max_side,
        "saving": asdict(saving),
    }
    digest.update(json.dumps(settings, sort_keys=True).encode())
    tensors = dict(sorted(generator.state_dict().items()))
    if controls.mask is not None:
        tensors["mask"] = controls.mask
    tensors |= {
        f"region {i}": layer.region.mask for i, layer in enumerate(layers) if layer.region is not None
    }
    for name, tensor in tensors.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        digest.update(tensor.detach().cpu().contiguous().view(-1).numpy().tobytes())
    for layer in layers:
        if isinstance(layer.generator, HasDigest):
            digest.update(layer.generator.digest())
    return digest.hexdigest()


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    """Return the last entry about each result; lines that a kill or a full disk has cut off do not count."""
    entries: list[dict[str, Any]] = []
    for path in folder.glob("content-*.jsonl"):
        for line in path.read_text(encoding="ascii", errors="replace").splitlines():
            try:
                entry = json.loads(line)
                if {"output", "key", "sha256", "time"} <= entry.keys():
                    entries.append(entry)
            except (ValueError, AttributeError):
                continue
    entries.sort(key=lambda entry: float(entry["time"]))
    return {entry["output"]: entry for entry in entries}
