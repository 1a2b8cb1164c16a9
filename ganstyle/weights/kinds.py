"""Files that are sound, but not what is wanted."""

from pathlib import Path

from safetensors import SafetensorError

from ganstyle.errors import CheckpointError
from ganstyle.weights.checkpoint_file import open_checkpoint

_LFS_POINTER = b"version https://git-lfs"


def check_is_safetensors(path: Path) -> None:
    """Refuse files that are sound but of another kind, which fetching again would not change.

    Raises:
        CheckpointError: the file is of another kind, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(64)
    except OSError as error:
        advice = "check its permissions" if isinstance(error, PermissionError) else "check the disk"
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error}); {advice}") from error
    if start.startswith(_LFS_POINTER):
        raise CheckpointError(f"{path}: a pointer of Git LFS, not the checkpoint itself; run git lfs pull")
    if len(start) < 9 or start[8:9] == b"{":  # the header of .safetensors, or the beginning of one
        return
    pickled = start.startswith((b"PK\x03\x04", b"\x80"))
    kind = "a pickle, such as .pth" if pickled else "a file of another kind"
    raise CheckpointError(
        f"{path}: not a readable checkpoint but {kind}; give a .safetensors file that 'ganstyle train' wrote"
    )


def file_format(path: str | Path) -> str:
    """Return the format that a ``.safetensors`` file says it has; nothing if there is none to be read."""
    try:
        with open_checkpoint(path) as file:
            return file.metadata.get("format", "")
    except (SafetensorError, OSError, ValueError, RuntimeError):
        return ""
