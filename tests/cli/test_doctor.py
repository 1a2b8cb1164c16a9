import importlib.metadata
import platform
import sys
import urllib.request
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle import __version__
from ganstyle import style as checkpoint
from ganstyle.cli import app
from ganstyle.weights import inception, vgg16, vgg16_cache


@pytest.fixture(autouse=True)
def _no_download(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked the network"))


def report() -> dict[str, str]:
    """Run it; return each line by its first word, a continued line under the key of the first one."""
    result: Any = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert result.stderr == ""
    lines: dict[str, str] = {}
    key = ""
    for line in result.stdout.splitlines():
        key = line[:12].strip() or key
        lines[key] = f"{lines[key]} {line[13:]}" if key in lines else line[13:]
    return lines


def test_doctor_versions_and_hardware() -> None:
    lines = report()
    assert lines["ganstyle"] == __version__
    assert lines["python"].startswith(platform.python_version())
    for package in (
        "torch",
        "torchvision",
        "accelerate",
        "kornia",
        "pillow",
        "clean-fid",
        "safetensors",
        "gradio",
    ):
        assert lines[package] == importlib.metadata.version(package)
    assert lines["threads"].startswith(str(torch.get_num_threads()))
    assert lines["precision"] in ("auto means bf16", "auto means fp32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_doctor_without_a_gpu() -> None:
    assert report()["device"] in ("1 x CPU", "1 x MPS")


def test_doctor_with_several_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA H200")
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    lines = report()
    assert lines["device"] == "4 x NVIDIA H200"
    assert lines["precision"] == "auto means bf16"


def test_doctor_without_local_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vgg16, "shipped_student", lambda: tmp_path / "nothing.safetensors")
    line = report()["VGG-16"]
    assert line.startswith("none found")
    assert "GANSTYLE_VGG16" in line
    assert str(vgg16_cache()) in line


def test_doctor_reports_the_vgg_weights_and_their_source(
    vgg16_weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANSTYLE_VGG16", str(vgg16_weights))
    line = report()["VGG-16"]
    assert str(vgg16_weights) in line
    assert "GANSTYLE_VGG16 names it" in line
    assert sha256(vgg16_weights.read_bytes()).hexdigest() in line


def test_doctor_with_missing_or_damaged_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_VGG16", "/nowhere/vgg.pth")
    assert "/nowhere/vgg.pth: no such file" in report()["VGG-16"]
    monkeypatch.delenv("GANSTYLE_VGG16")
    vgg16_cache().parent.mkdir(parents=True)
    vgg16_cache().write_bytes(b"half")
    assert "damaged; delete it" in report()["VGG-16"]


def test_doctor_inception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report()["Inception"].startswith("none found, so no FID. ")
    path = tmp_path / "inception.pt"
    monkeypatch.setenv("GANSTYLE_INCEPTION", str(path))
    assert f"{path}: no such file" in report()["Inception"]
    path.write_bytes(b"inception")
    assert "another network" in report()["Inception"]
    monkeypatch.setattr(inception, "INCEPTION_SHA256", sha256(b"inception").hexdigest())
    assert report()["Inception"] == f"{path}: GANSTYLE_INCEPTION names it; its SHA-256 is right"


def test_doctor_judge_and_lpips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_LPIPS", str(tmp_path / "lpips.pth"))
    monkeypatch.setitem(sys.modules, "efficientnet_lite_pytorch", None)
    lines = report()
    assert "pip install 'ganstyle[judge]'" in lines["judge"]
    assert "lpips.pth: no such file" in lines["LPIPS"]
    monkeypatch.delenv("GANSTYLE_LPIPS")
    assert report()["LPIPS"] == "GANSTYLE_LPIPS is not set"


def test_doctor_downloads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert report()["downloads"] == f"{vgg16_cache().parent}: can be written"
    (tmp_path / "home").write_text("a file, where no folder can be made even by root")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home" / "torch"))
    lines = report()
    assert lines["downloads"].startswith("impossible; what ships is used instead. ")
    assert lines["VGG-16"].startswith("VGG-16 distilled: ")
    monkeypatch.setattr("torch.hub.get_dir", lambda: "~/.cache/torch/hub")
    assert "no home folder" in report()["downloads"]


def test_doctor_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {})
    assert report()["styles"] == "none shipped"
    monkeypatch.setattr(checkpoint, "shipped_styles", lambda: {"a": Path("a"), "b": Path("b")})
    assert report()["styles"] == "a, b"


def test_doctor_reports_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    version = importlib.metadata.version

    def lacking(name: str) -> str:
        if name == "clean-fid":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", lacking)
    assert "not installed" in report()["clean-fid"]
