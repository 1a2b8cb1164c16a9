from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganstyle.errors import DataError
from ganstyle.files import fingerprint
from ganstyle.metrics.distributions.frechet import Features
from ganstyle.metrics.distributions.stored import load_features, save_features, stored_features

PROTOCOL: dict[str, Any] = {"extractor": "fake", "sha256": "0" * 64, "n": 3, "seed": 0}


def features(seed: int = 0) -> Features:
    return np.random.default_rng(seed).normal(size=(3, 4)).astype(np.float32)


def test_features_are_stored_and_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "photos.npz"
    save_features(path, features(), PROTOCOL)
    found, protocol = load_features(path)
    np.testing.assert_array_equal(found, features())
    assert protocol == PROTOCOL
    assert found.dtype == np.float32


def test_stored_features_are_used_for_the_same_protocol(tmp_path: Path) -> None:
    path = tmp_path / "photos.npz"
    calls: list[int] = []

    def make() -> Features:
        calls.append(1)
        return features(len(calls))

    first = stored_features(path, PROTOCOL, make)
    again = stored_features(path, PROTOCOL, make)
    np.testing.assert_array_equal(first, again)
    assert len(calls) == 1
    other = stored_features(path, PROTOCOL | {"n": 4}, make)
    assert not np.array_equal(first, other)
    assert load_features(path)[1]["n"] == 4
    np.testing.assert_array_equal(stored_features(path, PROTOCOL | {"n": 4, "seed": None}, None), other)
    with pytest.raises(DataError, match=r"photos\.npz: was measured with another n, seed; "):
        stored_features(path, PROTOCOL | {"seed": 1}, None)
    with pytest.raises(DataError, match="nothing to measure them from"):
        stored_features(tmp_path / "none.npz", PROTOCOL, None)
    assert stored_features(None, PROTOCOL, make).shape == (3, 4)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"text"])
def test_damaged_features_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "photos.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"photos\.npz: not readable") as caught:
        load_features(path)
    assert "\n" not in str(caught.value)


def test_truncated_and_pickled_features_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "photos.npz"
    save_features(path, features(), PROTOCOL)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match="not readable"):
        load_features(path)
    np.savez(path, features=np.array([{}], dtype=object), protocol=np.array("{}"))
    with pytest.raises(DataError, match="not readable"):
        load_features(path)


def test_fingerprint_depends_on_contents_in_order(tmp_path: Path) -> None:
    a, b, c = (tmp_path / name for name in "abc")
    a.write_text("a")
    b.write_text("b")
    c.write_text("a")
    assert fingerprint([a, b]) == fingerprint([c, b]) != fingerprint([b, a])
