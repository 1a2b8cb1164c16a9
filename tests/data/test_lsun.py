import gc
import io
import pickle
import struct
import zlib
from pathlib import Path
from typing import Any

import lmdb
import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from ganstyle.data.content import open_content
from ganstyle.data.lsun import CATEGORIES, LsunImages, class_names
from ganstyle.errors import DataError


def encoded(seed: int, file_format: str = "JPEG") -> bytes:
    rng = np.random.default_rng(seed)
    height, width = rng.integers(5, 40, 2)
    buffer = io.BytesIO()
    pixels = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(buffer, file_format)
    return buffer.getvalue()


def write_class(root: Path, name: str, values: list[bytes]) -> None:
    folder = root / f"{name}_lmdb"
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=1 << 24) as env, env.begin(write=True) as transaction:
        for i, value in enumerate(values):
            # keys of unequal length, in an order that is not the order of insertion
            transaction.put(f"{(i * 7) % 10}-key{'x' * i}".encode(), value)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    root = tmp_path / "lsun"
    write_class(root, "church_outdoor_train", [encoded(i, "WEBP") for i in range(5)])
    write_class(root, "tower_val", [encoded(10 + i) for i in range(3)])
    return root


# torchvision's class does not close the file of keys that it writes.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_lsun_equals_torchvision(root: Path) -> None:
    classes = ["tower_val", "church_outdoor_train"]
    source = open_content("lsun", path=str(root), classes=classes)
    images = [source[i] for i in range(len(source))]
    assert list(Path.cwd().iterdir()) == []
    del source  # a process can open a database only once
    gc.collect()
    from torchvision.datasets import LSUN

    theirs = LSUN(str(root), classes=classes)
    try:
        assert len(images) == len(theirs) == 8
        for i, image in enumerate(images):
            expected = torch.from_numpy(np.array(theirs[i][0])).permute(2, 0, 1) / 255
            torch.testing.assert_close(image, expected, rtol=0, atol=1e-6)
    finally:
        for database in theirs.dbs:
            database.env.close()


# Python 3.12 and 3.13 warn of every fork of a process that has threads.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_lsun_in_workers(root: Path) -> None:
    source = LsunImages(root, ["church_outdoor_train"])
    before = [source[i] for i in range(5)]  # opens the database in this process
    loader = DataLoader(source, batch_size=None, num_workers=2, timeout=60)
    for here, there in zip(before, loader, strict=True):
        assert torch.equal(here, there)
    assert torch.equal(source[0], before[0])
    assert list(Path.cwd().iterdir()) == []


def test_two_sources_may_share_a_database(root: Path) -> None:
    first, second = (LsunImages(root, ["tower_val"]) for _ in range(2))
    assert torch.equal(first[1], second[1])
    copy = pickle.loads(pickle.dumps(first))
    assert torch.equal(copy[2], second[2])


def test_a_broken_value_is_replaced_by_the_next(tmp_path: Path) -> None:
    values = [encoded(0), encoded(1)]
    write_class(tmp_path, "kitchen_train", [values[0], values[1][:60], b"no image"])
    source = LsunImages(tmp_path, "kitchen_train")
    with pytest.warns(UserWarning, match=r"kitchen_train_lmdb: image 1: ") as caught:
        images = [source[i] for i in range(3)]
    assert len(caught) == 1
    assert torch.equal(images[1], images[0])
    assert torch.equal(images[2], images[0])


def test_too_many_pixels_are_not_decoded(tmp_path: Path) -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    end = struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))
    png = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end
    write_class(tmp_path, "kitchen_train", [png])
    source = LsunImages(tmp_path, "kitchen_train")
    with (
        pytest.warns(UserWarning, match="more than the limit"),
        pytest.raises(DataError, match="none of the 1"),
    ):
        source[0]


def test_names_of_sets() -> None:
    assert class_names("val") == [f"{category}_val" for category in CATEGORIES]
    assert len(class_names("train")) == 10
    assert class_names("test") == ["test"]
    assert class_names(("tower_val",)) == ["tower_val"]
    wrong: list[Any] = [[], [1], 7, None]
    for classes in wrong:
        with pytest.raises(DataError, match="names no class"):
            class_names(classes)


def test_missing_and_damaged_databases_are_errors(root: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"class kitchen_train; .*: church_outdoor_train, tower_val$"):
        LsunImages(root, ["kitchen_train"])
    with pytest.raises(DataError, match="unpack LSUN there"):
        LsunImages(tmp_path / "nothing", "train")
    write_class(tmp_path, "empty_train", [])
    with pytest.raises(DataError, match="holds no images"):
        LsunImages(tmp_path, ["empty_train"])
    for name, data in (("bad_train", b"x" * 9000), ("void_train", b"")):
        (tmp_path / f"{name}_lmdb").mkdir()
        (tmp_path / f"{name}_lmdb" / "data.mdb").write_bytes(data)
        with pytest.raises(DataError, match="not a readable LMDB database"):
            LsunImages(tmp_path, [name])
