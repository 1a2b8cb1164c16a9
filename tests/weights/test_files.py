import errno
import io
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.metrics.similarity.lpips import find_lpips
from ganstyle.models import VGG16Features
from ganstyle.weights import (
    VGG16_FILE,
    WeightsFile,
    find_inception,
    find_vgg16,
    inception_cache,
    load_vgg16,
    path_in_environment,
    read_state,
    vgg16_cache,
)
from ganstyle.weights import files as weights_files


def one_line(error: BaseException) -> str:
    assert isinstance(error, GanstyleError)
    message = str(error)
    assert "\n" not in message
    assert len(message) < 500
    return message


def test_cache_folder_is_that_of_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert vgg16_cache() == tmp_path / "hub" / "checkpoints" / VGG16_FILE
    assert inception_cache() == tmp_path / "hub" / "checkpoints" / "inception-2015-12-05.pt"
    monkeypatch.setenv("GANSTYLE_INCEPTION", str(tmp_path / "mine.pt"))
    assert inception_cache() == tmp_path / "mine.pt"


def file(path: Path) -> WeightsFile:
    return WeightsFile("test", path, "", "")


def save_pth(path: Path, state: object, *, zipped: bool = True) -> Path:
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    return path


@pytest.fixture(scope="module")
def first_block(vgg16_weights: Path) -> dict[str, Tensor]:
    """The weights of relu1_1 and relu1_2."""
    return {k: v for k, v in load_file(vgg16_weights).items() if k.startswith(("features.0.", "features.2."))}


def test_reads_safetensors(vgg16_weights: Path) -> None:
    network = load_vgg16(file(vgg16_weights), ["relu3_3", "relu1_2"])
    expected = VGG16Features(["relu1_2", "relu3_3"], state=load_file(vgg16_weights))
    image = torch.rand(1, 3, 8, 8)
    for layer, maps in expected(image).items():
        assert torch.equal(network(image)[layer], maps)


@pytest.mark.parametrize("zipped", [True, False])
def test_reads_pth(tmp_path: Path, first_block: dict[str, Tensor], zipped: bool) -> None:
    path = save_pth(tmp_path / "vgg.pth", first_block, zipped=zipped)
    network = load_vgg16(file(path), ["relu1_2"], dtype=torch.bfloat16)
    expected = VGG16Features(["relu1_2"], state=first_block, dtype=torch.bfloat16)
    image = torch.rand(1, 3, 4, 4)
    assert torch.equal(network(image)["relu1_2"], expected(image)["relu1_2"])


def test_missing_layer_error_lists_available_layers(tmp_path: Path, first_block: dict[str, Tensor]) -> None:
    path = tmp_path / "vgg.safetensors"
    save_file(first_block, path)
    with pytest.raises(WeightsError) as caught:
        load_vgg16(file(path), ["relu1_2", "relu2_2", "relu4_3"])
    message = one_line(caught.value)
    assert message.startswith(f"{path}: ")
    assert "lack relu2_2, relu4_3" in message
    assert "hold relu1_1, relu1_2" in message


def test_unknown_layer(vgg16_weights: Path) -> None:
    with pytest.raises(WeightsError, match="relu9_9"):
        load_vgg16(file(vgg16_weights), ["relu9_9"])


def unreadable(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(WeightsError) as caught:
        load_vgg16(file(path), ["relu1_1"])
    message = one_line(caught.value)
    assert message.startswith(f"{path}: ")
    assert "weights_only" not in message  # torch's own advice is to run what the file holds
    return message


def as_bytes(state: object, *, zipped: bool = True) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer, _use_new_zipfile_serialization=zipped)
    return buffer.getvalue()


def test_truncated_safetensors_file(tmp_path: Path, vgg16_weights: Path) -> None:
    content = vgg16_weights.read_bytes()
    for size in (0, 4, 100, len(content) // 2, len(content) - 1):
        assert "not a readable" in unreadable(tmp_path / "half.safetensors", content[:size])


@pytest.mark.parametrize("zipped", [True, False])
def test_truncated_pth_file(tmp_path: Path, zipped: bool) -> None:
    content = as_bytes({"features.0.weight": torch.ones(64, 3, 3, 3)}, zipped=zipped)
    for size in (0, 4, 30, 100, 300, len(content) // 2, len(content) - 1):
        assert "not a readable" in unreadable(tmp_path / "half.pth", content[:size])


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html>Not found</html>",
        b"error code: 1020",
        b"version https://git-lfs.github.com/spec/v1\n",
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00",
        b"PK\x03\x04" + bytes(60),
        bytes(100),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_wrong_file_under_that_name(tmp_path: Path, content: bytes, suffix: str) -> None:
    assert "not a readable" in unreadable(tmp_path / f"vgg{suffix}", content)


@pytest.mark.parametrize("state", [[torch.ones(2)], {"features.0.weight": [1.0]}, torch.ones(2)])
def test_not_a_dictionary_of_tensors(tmp_path: Path, state: object) -> None:
    assert "dictionary of tensors" in unreadable(tmp_path / "vgg.pth", as_bytes(state))


def test_weights_of_another_network(tmp_path: Path) -> None:
    state = {"features.0.weight": torch.ones(8, 3, 3, 3), "features.0.bias": torch.ones(8)}
    assert "not the weights of VGG-16" in unreadable(tmp_path / "vgg.pth", as_bytes(state))


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("kind", ["zipped", "old", "protocol 2", "protocol 4"])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".safetensors"])
def test_pickled_code_is_never_run(tmp_path: Path, kind: str, suffix: str) -> None:
    trace = tmp_path / "executed"
    state = {"features.0.weight": torch.ones(64, 3, 3, 3), "features.0.bias": Malicious(trace)}
    if kind.startswith("protocol"):
        content = pickle.dumps({"x": Malicious(trace)}, protocol=int(kind[-1]))
    else:
        content = as_bytes(state, zipped=kind == "zipped")
    unreadable(tmp_path / f"vgg{suffix}", content)
    assert not trace.exists()
    if kind != "zipped" and kind != "old":
        pickle.loads(content)  # it would have run
        assert trace.exists()


def test_pth_of_a_whole_module_is_refused(tmp_path: Path) -> None:
    """Nobody has to fetch such a file again."""
    network = torch.nn.Conv2d(1, 1, 1)
    for zipped in (True, False):
        message = unreadable(tmp_path / "whole.pth", as_bytes(network, zipped=zipped))
        assert "save only the network's state_dict()" in message
        assert "again" not in message
    with warnings.catch_warnings(action="ignore"):
        script: Any = torch.jit.script(network)
        script.save(str(tmp_path / "script.pt"))
    assert "save only" in unreadable(tmp_path / "script.pth", (tmp_path / "script.pt").read_bytes())
    nested = unreadable(tmp_path / "nested.pth", as_bytes({"epoch": 3, "state_dict": network.state_dict()}))
    assert "save only the network's state_dict()" in nested
    np.savez(tmp_path / "arrays.npz", a=np.ones(2))
    other = unreadable(tmp_path / "arrays.pth", (tmp_path / "arrays.npz").read_bytes())
    assert "incomplete or of another format" in other


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_file_without_read_permission(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"vgg{suffix}"
    path.write_bytes(as_bytes({"features.0.weight": torch.ones(64, 3, 3, 3)}))

    def forbidden(*_: object, **__: object) -> None:  # root may read any real file
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(weights_files, "load_file" if suffix == ".safetensors" else "_read_pickle", forbidden)
    with pytest.raises(WeightsError) as caught:
        read_state(path)
    assert str(caught.value) == f"{path}: cannot be read (Permission denied); check its permissions and disk"


def test_folder_in_place_of_a_file(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"cannot be read \(Is a directory; asked for by its path\)"):
        find_vgg16(str(tmp_path))


@pytest.mark.parametrize("variable", ["GANSTYLE_VGG16", "GANSTYLE_INCEPTION", "GANSTYLE_LPIPS"])
def test_tilde_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(variable, "~/some/file.pth")
    assert path_in_environment(variable) == tmp_path / "some" / "file.pth"
    monkeypatch.setenv(variable, "~nobody-of-that-name/file.pth")
    assert path_in_environment(variable) == Path("~nobody-of-that-name/file.pth")
    monkeypatch.setenv(variable, "")
    assert path_in_environment(variable) is None


def test_tilde_in_every_path_setting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / "vgg.pth"
    path.write_bytes(as_bytes({"features.0.weight": torch.ones(64, 3, 3, 3)}))
    monkeypatch.setenv("GANSTYLE_VGG16", "~/vgg.pth")
    assert find_vgg16().path == find_vgg16("~/vgg.pth").path == path
    monkeypatch.setenv("GANSTYLE_INCEPTION", "~/vgg.pth")
    for spec in ("~/vgg.pth", "auto"):
        with pytest.raises(WeightsError, match=f"^{path}: its SHA-256"):
            find_inception(spec)
    monkeypatch.setenv("GANSTYLE_LPIPS", "~/vgg.pth")
    found = find_lpips()
    assert found is not None
    assert found.path == path
