import sys
from pathlib import Path

import pytest
from PIL import Image

from ganstyle.data.content import CONTENT_KINDS, open_content
from ganstyle.errors import DataError, MissingExtraError


def test_folder_content(tmp_path: Path) -> None:
    Image.new("RGB", (6, 4), "red").save(tmp_path / "a.png")
    images = open_content("folder", path=str(tmp_path))
    assert len(images) == 1
    assert images[0].shape == (3, 4, 6)
    assert images[0].amax(dim=(1, 2)).tolist() == [1, 0, 0]


def test_unknown_kind_lists_the_kinds() -> None:
    with pytest.raises(
        DataError, match="unknown kind zip; valid: folder, huggingface, lsun, torchvision, webdataset"
    ):
        open_content("zip", path="x")


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("folder", {"path": "x", "shuffle": 1}, "folder: unknown option shuffle; valid: path$"),
        ("lsun", {"path": "x", "class": "y"}, "lsun: unknown option class; valid: path, classes$"),
        ("lsun", {"path": "x"}, "lsun: option classes is missing; give all of: path, classes$"),
        ("torchvision", {"path": "x"}, "torchvision: option name is missing"),
        ("folder", {"path": None}, "folder: path is no text: None"),
        ("folder", {}, "folder: option path is missing"),
    ],
)
def test_wrong_content_options_list_the_valid_ones(
    kind: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        open_content(kind, **options)


def test_lsun_without_lmdb_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganstyle\[lsun\]'"):
        open_content("lsun", path="x", classes=["tower_val"])


def test_content_kinds_can_be_added(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(CONTENT_KINDS, "mine", CONTENT_KINDS["folder"])
    with pytest.raises(DataError, match="holds no image files"):
        open_content("mine", path=tmp_path)
