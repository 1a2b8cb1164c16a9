import io
import sys
import tarfile
from pathlib import Path

import pytest

from ganstyle.data.shards import find_shards, is_shards, read_index
from ganstyle.errors import DataError, MissingExtraError


def write_tar(path: Path, *names: str, form: int = tarfile.GNU_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(name)
            tar.addfile(info, io.BytesIO(name.encode()))
    return path


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_shard_index_lists_samples_and_offsets(tmp_path: Path, form: int) -> None:
    names = ("a.json", "a.jpg", "b.png", "sub/c.left.webp", "sub/c.txt", "d.txt", "README", "__x__.json")
    path = write_tar(tmp_path / "0.tar", *names, form=form)
    samples = read_index(path)
    assert [sample.key for sample in samples] == ["a", "b", "sub/c", "d"]
    photos = [sample.photo.name if sample.photo else None for sample in samples]
    assert photos == ["a.jpg", "b.png", "sub/c.left.webp", None]
    content = path.read_bytes()
    for sample in samples:
        for member in sample.members:
            assert content[member.offset : member.offset + member.size].decode() == member.name


def test_shard_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for index in range(3):
        write_tar(tmp_path / f"s-{index}.tar", "a.png")
    monkeypatch.chdir(tmp_path)
    every = [Path(f"s-{index}.tar") for index in range(3)]
    assert find_shards("s-{0..2}.tar") == every
    assert find_shards("s-{00..01}.tar") == [Path("s-00.tar"), Path("s-01.tar")]
    assert find_shards("s-*.tar") == every
    assert find_shards(tmp_path) == [tmp_path / path for path in every]
    (tmp_path / "odd {0..1}.tar").touch()
    assert find_shards("odd {0..1}.tar") == [Path("odd {0..1}.tar")]
    (tmp_path / "empty").mkdir()
    for nothing in ("empty", "none-*.tar"):
        with pytest.raises(DataError, match="names no shard"):
            find_shards(nothing)


def test_commands_in_a_pattern_are_not_run(tmp_path: Path) -> None:
    pattern = f"pipe:touch {tmp_path / 'ran'};.tar"
    with pytest.raises(DataError, match="no such file"):
        read_index(find_shards(pattern)[0])
    assert not (tmp_path / "ran").exists()


def test_is_shards(tmp_path: Path) -> None:
    (tmp_path / "folder.tar").mkdir()
    assert is_shards(Path("x.tar"))
    assert is_shards(Path("x-{0..9}.TAR"))
    for name in ("x.tar.gz", "x.tgz", "x.png", str(tmp_path / "folder.tar")):
        assert not is_shards(Path(name))


def test_without_webdataset_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webdataset", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganstyle\[scale\]'"):
        find_shards("x.tar")
