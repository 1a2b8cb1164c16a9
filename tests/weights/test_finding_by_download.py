"""Finding weights that have to be downloaded, and what happens where they cannot be."""

import errno
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import WeightsError
from ganstyle.weights import VGG16_URL, download, find_inception, find_vgg16, vgg16, vgg16_cache
from tests.weights.server import (
    CONTENT,
    DIGEST,
    Answer,
    Serve,
    hang_up,
    left,
    refuse,
    send_rest,
    something_else,
    stall_after_the_headers,
    stall_before_the_first_byte,
    talk_nonsense,
)


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg16, "_HASH_PREFIX", DIGEST[:8])


@pytest.mark.usefixtures("known")
def test_auto_downloads_when_nothing_is_local(serve: Serve) -> None:
    serve(send_rest)
    found = find_vgg16()
    assert found.path == vgg16_cache()
    assert found.path.read_bytes() == CONTENT
    assert found.sha256 == DIGEST
    assert "downloaded" in found.reason
    assert left(found.path) == [found.path.name]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "answer",
    [refuse, hang_up, talk_nonsense, something_else, stall_before_the_first_byte, stall_after_the_headers],
)
def test_failed_download_is_one_line_and_leaves_nothing(
    serve: Serve, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(answer)
    if answer in (stall_before_the_first_byte, stall_after_the_headers):
        monkeypatch.setattr(download, "_TIMEOUT", 0.3)
    with pytest.raises(WeightsError) as caught:
        find_vgg16("imagenet")
    message = str(caught.value)
    assert "\n" not in message
    assert "cannot be downloaded" in message
    assert VGG16_URL.rpartition("/")[2] in message
    assert "GANSTYLE_VGG16" in message
    assert "--vgg" in message
    assert left(vgg16_cache()) == []


@pytest.fixture(params=["a file in its place", "a folder that may not be entered", "no home"])
def unusable_home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no home":
        monkeypatch.setattr("torch.hub.get_dir", lambda: "~/.cache/torch/hub")
        monkeypatch.chdir(tmp_path)
        return
    home = tmp_path / "home"
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    if request.param == "a file in its place":
        home.write_text("")
        return
    stat, mkdir = Path.stat, Path.mkdir

    def forbidden_stat(self: Path, **options: Any) -> Any:
        if home in self.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return stat(self, **options)

    def forbidden_mkdir(self: Path, *arguments: Any, **options: Any) -> None:
        if home in self.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "stat", forbidden_stat)  # root may enter and write any real folder
    monkeypatch.setattr(Path, "mkdir", forbidden_mkdir)


@pytest.mark.usefixtures("unusable_home")
def test_unwritable_home_falls_back_to_the_shipped_vgg16(shipped: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"VGG-16 cannot be downloaded \(.*\); the distilled VGG-16"):
        assert find_vgg16().path == shipped
    assert not (tmp_path / "~").exists()


@pytest.mark.usefixtures("unusable_home")
def test_unwritable_home_without_fallback_is_one_line() -> None:
    with pytest.raises(WeightsError, match="VGG-16 cannot be downloaded"):
        find_vgg16("imagenet")
    with pytest.raises(WeightsError, match="Inception cannot be downloaded"):
        find_inception()
