"""Names of temporary files, which tell whether their process is still alive."""

import os
import secrets
import socket
import time
from contextlib import suppress
from functools import cache
from hashlib import sha256
from pathlib import Path

PREFIX = ".ganstyle-"
"""How the name of every temporary file and folder beside results begins."""

_FOREIGN_AGE = 24 * 3600.0  # seconds after which another machine's file counts as abandoned


def temporary_name() -> str:
    """Return a new name for a temporary file of this process; of the same length for a target of any name."""
    return f"{owner_prefix()}{secrets.token_hex(4)}.tmp"


def owner_prefix() -> str:
    """Return how the names of this process's temporary files begin."""
    return f"{PREFIX}{_machine()}-{os.getpid()}-"


def is_abandoned(path: Path) -> bool:
    """Say whether a temporary file's process is gone; on another machine, whether the file is a day old."""
    machine, _, rest = path.name.removeprefix(PREFIX).partition("-")
    owner = rest.partition("-")[0]
    if not path.name.startswith(PREFIX) or len(machine) != len(_machine()) or not owner.isdecimal():
        return False
    if machine == _machine():
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            return True
        except (OSError, OverflowError):  # alive, and somebody else's
            return False
        return False
    try:
        return time.time() - path.lstat().st_mtime > _FOREIGN_AGE
    except OSError:
        return False


@cache
def _machine() -> str:
    """Identify this machine, or rather the set of processes that see each other's numbers."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))  # noqa: PTH115 - no path
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
    return sha256("\n".join(parts).encode()).hexdigest()[:8]
