"""Features stored in a file, with the protocol under which they were measured."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ganstyle.errors import DataError, one_line
from ganstyle.files import atomic_write
from ganstyle.metrics.distributions.frechet import Features


def save_features(path: str | Path, features: Features, protocol: Mapping[str, Any]) -> None:
    """Write features (n, d) and their protocol, which must hold JSON values only, as ``.npz``."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, features=features, protocol=np.array(json.dumps(protocol)))
    with atomic_write(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_features(path: str | Path) -> tuple[Features, dict[str, Any]]:
    """Read what `save_features` wrote; nothing in the file is executed.

    Raises:
        DataError: the file is missing, damaged or not ours.
    """
    try:
        with np.load(io.BytesIO(Path(path).read_bytes()), allow_pickle=False) as arrays:
            features: Features = arrays["features"]
            protocol = json.loads(str(arrays["protocol"]))
    except (OSError, KeyError, TypeError, ValueError, EOFError, BadZipFile) as error:
        reason = one_line(error, 200)
        raise DataError(f"{path}: not readable as stored features ({reason}); delete it") from error
    if features.ndim != 2 or not isinstance(protocol, dict):
        raise DataError(f"{path}: does not hold features and their protocol; delete it")
    return features, protocol


def stored_features(
    path: Path | None, protocol: Mapping[str, Any], make: Callable[[], Features] | None
) -> Features:
    """Return stored features if they were measured under this protocol; else measure and store them.

    Args:
        path: where they are stored; None stores nothing.
        protocol: everything that they depend on. None matches any value.
        make: measures them; None if there is nothing to measure.

    Raises:
        DataError: there are none, or of another protocol, and they cannot be made.
    """
    if path is not None and path.exists():
        features, found = load_features(path)
        differing = [key for key, value in protocol.items() if value is not None and found.get(key) != value]
        if not differing:
            return features
        if make is None:
            raise DataError(f"{path}: was measured with another {', '.join(differing)}; give the same again")
    if make is None:
        raise DataError(f"{path}: there are no such stored features, and nothing to measure them from")
    features = make()
    if path is not None:
        save_features(path, features, protocol)
    return features
