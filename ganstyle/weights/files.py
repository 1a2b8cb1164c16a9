"""Files of network weights: finding, identifying and safely reading them."""

import errno
import os
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors.torch import load_file
from torch import Tensor

from ganstyle.errors import WeightsError
from ganstyle.files import expand_user, sha256


@dataclass(frozen=True)
class WeightsFile:
    """A file of network weights, identified by its content.

    Attributes:
        name: what it is, for people.
        path: where it is.
        sha256: of the whole file.
        reason: why this one was chosen.
    """

    name: str
    path: Path
    sha256: str
    reason: str

    @property
    def identity(self) -> dict[str, str]:
        """What results record of it: ``name`` and ``sha256``."""
        return {"name": self.name, "sha256": self.sha256}


def path_in_environment(variable: str) -> Path | None:
    """Return the path that an environment variable holds, ``~`` expanded; None if it is unset or empty."""
    value = os.environ.get(variable)
    return expand_user(value) if value else None


def torch_cache(name: str) -> Path:
    """Return where torch keeps a downloaded file of weights, whether it is there or not."""
    return Path(torch.hub.get_dir()) / "checkpoints" / name


def is_file(path: Path) -> bool:
    """Say whether a file exists; a folder that may not be entered holds none, as far as we can see."""
    return os.path.isfile(path)  # noqa: PTH113 (Path.is_file raises on a folder without permission)


def hash_weights(path: Path, what: str, reason: str) -> str:
    """Return the SHA-256 of a file of weights.

    Args:
        path: the file.
        what: name of the network, for messages.
        reason: why this file was chosen, for messages.

    Raises:
        WeightsError: there is no such file, or it cannot be read.
    """
    try:
        return sha256(path)
    except FileNotFoundError:
        raise WeightsError(f"{path}: no such file of {what} weights ({reason})") from None
    except OSError as error:
        raise unreadable(path, error, f"; {reason}") from error


def read_state(path: Path) -> Mapping[str, Tensor]:
    """Read a dictionary of tensors from a ``.safetensors`` or a PyTorch file, executing nothing in it.

    Raises:
        WeightsError: the file cannot be read, is damaged, or holds something else.
    """
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _read_pickle(path)
    except Exception as error:  # on a damaged file torch raises nearly anything
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # that one: of half an archive
            raise unreadable(path, error) from error
        if _is_sound(path, error):  # torch's own message recommends loading the file unsafely
            raise WeightsError(
                f"{path}: holds more than tensors, and may run code when it is loaded; "
                "save only the network's state_dict(), best as .safetensors"
            ) from error
        reason = "" if isinstance(error, UnpicklingError) else f" ({' '.join(str(error).split())[:200]})"
        raise WeightsError(
            f"{path}: not a readable file of weights{reason}; it is incomplete or of another format: "
            "give a .safetensors file, or a state_dict saved by PyTorch"
        ) from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(
            f"{path}: does not hold a plain dictionary of tensors; save only the network's state_dict()"
        )
    return state


def _is_sound(path: Path, error: Exception) -> bool:
    """Say whether a file that PyTorch refused is whole, and was refused for holding more than tensors."""
    if zipfile.is_zipfile(path):
        return isinstance(error, UnpicklingError) or "TorchScript" in str(error)
    with path.open("rb") as file:
        pickled = file.read(1) == b"\x80"
    return pickled and isinstance(error, UnpicklingError) and "Unsupported" in str(error)


def unreadable(path: Path, error: OSError, more: str = "") -> WeightsError:
    """Return the error to raise where the operating system does not let a file be read."""
    advice = "give a file" if isinstance(error, IsADirectoryError) else "check its permissions and disk"
    return WeightsError(f"{path}: cannot be read ({error.strerror or error}{more}); {advice}")


def _read_pickle(path: Path) -> object:
    with warnings.catch_warnings(action="ignore"):  # about old formats of files, which are fine
        return torch.load(path, map_location="cpu", weights_only=True)
