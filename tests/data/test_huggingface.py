"""Data sets of Hugging Face, streamed from this machine: the same photo for the same index."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pytest
import torch
from PIL import Image
from pyarrow import parquet

from ganstyle.data import open_content
from ganstyle.data.huggingface import StreamedImages
from ganstyle.errors import DataError, MissingExtraError

COUNT = 23


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4), (level,) * 3).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture(params=["parquet", "files", "disk", "images"])
def source(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data set of gray photos whose level is their place, in one of the layouts."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    folder = tmp_path / "set"
    folder.mkdir()
    features = datasets.Features({"label": datasets.Value("int64"), "photo": datasets.Image()})
    values = {"label": list(range(COUNT)), "photo": [{"bytes": png(i), "path": None} for i in range(COUNT)]}
    made = datasets.Dataset.from_dict(values, features=features)
    if request.param == "disk":
        made.save_to_disk(folder)
    elif request.param == "images":
        for index in range(COUNT):
            (folder / f"{index:03}.png").write_bytes(png(index))
    elif request.param == "parquet":
        made.select(range(10)).to_parquet(folder / "0.parquet")
        made.select(range(10, COUNT)).to_parquet(folder / "1.parquet")
    else:
        made.to_parquet(folder / "all.parquet")
        return folder / "all.parquet"
    return folder


def levels(images: Any, indices: list[int]) -> list[int]:
    return [round(images[index][0, 0, 0].item() * 255) for index in indices]


def test_photos_by_index(source: Path) -> None:
    images = open_content("huggingface", path=str(source), window=5)
    assert len(images) == COUNT
    order = [3, 0, 4, 7, 5, 22, 2, 12]
    assert levels(images, order) == order
    assert levels(pickle.loads(pickle.dumps(images)), order) == order
    assert len(open_content("huggingface", path=str(source), count=7)) == 7
    assert images[3].shape == (3, 4, 6)
    assert images[3].dtype == torch.float32


@pytest.mark.parametrize("layout", ["parquet", "saved", "images"])
def test_splits_of_a_folder(tmp_path: Path, layout: str) -> None:
    folder = tmp_path / "set [1]"
    counts = {"train": [3, 4, 5], "test": [7, 8]}
    for split, found in counts.items():
        (folder / split).mkdir(parents=True)
        for level in found if layout == "images" else []:
            (folder / split / f"{level}.png").write_bytes(png(level))
    if layout != "images":
        features = datasets.Features({"photo": datasets.Image()})
        made = {
            split: datasets.Dataset.from_dict(
                {"photo": [{"bytes": png(level), "path": None} for level in found]}, features=features
            )
            for split, found in counts.items()
        }
        if layout == "saved":
            datasets.DatasetDict(made).save_to_disk(folder)
        else:
            for split in counts:
                made[split].to_parquet(folder / split / f"{split}-0.parquet")
    for split, found in counts.items():
        images = open_content("huggingface", path=str(folder), split=split)
        assert levels(images, list(range(len(images)))) == found
    assert len(open_content("huggingface", path=str(folder))) == 3
    with pytest.raises(DataError, match=r"split.*validation|validation.*split"):
        open_content("huggingface", path=str(folder), split="validation")


def test_configuration_of_a_folder(tmp_path: Path) -> None:
    for name, level in (("day", 1), ("night", 2)):
        (tmp_path / name).mkdir()
        table = pyarrow.table({"jpg": [png(level)]})
        parquet.write_table(table, tmp_path / name / "0.parquet")
    (tmp_path / "README.md").write_text(
        "---\nconfigs:\n"
        "- {config_name: day, data_files: day/*.parquet}\n"
        "- {config_name: night, data_files: night/*.parquet}\n---\n"
    )
    images = open_content("huggingface", path=str(tmp_path), name="night", column="jpg")
    assert levels(images, list(range(len(images)))) == [2]
    with pytest.raises(DataError, match="evening"):
        open_content("huggingface", path=str(tmp_path), name="evening", column="jpg")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """Parquet without the library's own types."""
    table = pyarrow.table({"jpg": [png(1), b"no image", None, png(3)], "n": [0, 1, 2, 3]})
    parquet.write_table(table, tmp_path / "x.parquet")
    return tmp_path / "x.parquet"


def test_column_of_bytes(plain: Path) -> None:
    images = open_content("huggingface", path=str(plain), column="jpg")
    with pytest.warns(UserWarning, match="photo 1"):
        assert levels(images, [0, 1, 2, 3]) == [1, 3, 3, 3]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"has no column of images; name one by content\.column \(jpg, n\)"),
        ({"column": "photo"}, r"has no column photo; columns: jpg, n"),
        ({"path": "./nowhere"}, "neither a folder nor the name of a data set on the Hub"),
        ({"path": "/nowhere/at/all"}, "neither a folder nor the name"),
        ({"path": "user/name"}, "cannot be opened as a data set"),
    ],
)
def test_invalid_data_sets_are_one_line(
    plain: Path, options: dict[str, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # between five attempts
    with pytest.raises(DataError, match=message) as caught:
        open_content("huggingface", **{"path": str(plain), **options})
    assert "\n" not in str(caught.value)


def test_a_damaged_file_is_one_line(plain: Path) -> None:
    plain.write_bytes(plain.read_bytes()[:-20])
    with pytest.raises(DataError, match="cannot be opened as a data set"):
        open_content("huggingface", path=str(plain), column="jpg")


def test_stream_is_read_once_an_epoch(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    images = StreamedImages(source, window=5)
    starts: list[int] = []
    values = StreamedImages._values

    def counted(self: StreamedImages, start: int) -> Any:
        starts.append(start)
        return values(self, start)

    monkeypatch.setattr(StreamedImages, "_values", counted)
    assert levels(images, [2, 0, 4, 9, 5, 3, 12, 20]) == [2, 0, 4, 9, 5, 3, 12, 20]
    assert starts == [0]
    assert levels(images, [1, 8]) == [1, 8]
    assert starts == [0, 0]
    resumed = StreamedImages(source, window=5)
    assert levels(resumed, [17, 15]) == [17, 15]
    assert starts == [0, 0, 15]


def test_a_lost_connection_is_tried_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class LostError(Exception):
        """As of a network library, which need not be an OSError."""

    images = StreamedImages(source, window=5)
    values, failures = StreamedImages._values, [ConnectionError("Server Disconnected"), LostError("reset")]

    def lost(self: StreamedImages, start: int) -> Any:
        if failures:
            raise failures.pop()
        return values(self, start)

    monkeypatch.setattr(StreamedImages, "_values", lost)
    assert levels(images, [2, 0]) == [2, 0]
    assert not failures
    assert not images.broken


def test_without_datasets_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganstyle\[scale\]'"):
        open_content("huggingface", path="x")
