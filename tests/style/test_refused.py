"""Style files that are refused, in one line, and writing that fails."""

import errno
import json
import os
import pickle
import resource
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ganstyle.errors import GanstyleError
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import load_style, save_style

Make = Callable[..., tuple[nn.Module, Recipe, StyleTarget]]


def test_truncated_anywhere_is_one_line(broken: Any, saved: Path) -> None:
    content = saved.read_bytes()
    (header,) = struct.unpack("<Q", content[:8])
    for size in (0, 5, 8, 8 + header // 2, 8 + header, len(content) // 2, len(content) - 1):
        saved.write_bytes(content[:size])
        message = broken(saved)
        assert "not a readable checkpoint" in message
        assert "fetch it again" in message


@pytest.mark.parametrize(
    "content",
    [pickle.dumps({"a": 1}), b"These are words.", b"PK\x03\x04" + bytes(60), b"\xff\xd8\xff\xe0" + bytes(60)],
)
def test_other_file_types_are_refused(broken: Any, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "style.safetensors"
    path.write_bytes(content)
    assert "not a readable checkpoint" in broken(path)


@pytest.mark.parametrize("legacy", [False, True])
def test_pytorch_file_is_refused_without_download_advice(broken: Any, tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "foreign.pth"
    torch.save({"weight": torch.ones(2)}, path, _use_new_zipfile_serialization=not legacy)
    message = broken(path)
    assert "not a readable checkpoint but a pickle, such as .pth; give a .safetensors file" in message
    assert "again" not in message


def test_git_lfs_pointer(broken: Any, tmp_path: Path) -> None:
    path = tmp_path / "style.safetensors"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    assert "run git lfs pull" in broken(path)


def test_style_without_read_permission(broken: Any, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *arguments: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "open", refuse)
    assert broken(saved).endswith("cannot be read (Permission denied); check its permissions")


def test_style_path_with_tilde(broken: Any, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(saved.parent))
    assert load_style(f"~/{saved.name}").name == load_style(saved).name
    assert "neither a file nor a shipped style" in broken(Path("~no_such_user/x"))
    assert "neither a file nor a shipped style" in broken(Path("a" * 300))


def test_pickled_code_is_never_run(broken: Any, tmp_path: Path) -> None:
    trace = tmp_path / "executed"
    for name in ("style.safetensors", "style.pth"):
        path = tmp_path / name
        torch.save({"generator": Malicious(trace)}, path)
        assert "not a readable checkpoint" in broken(path)
    assert not trace.exists()


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_foreign_safetensors_are_refused(broken: Any, tmp_path: Path, vgg16_weights: Path) -> None:
    assert "not a ganstyle style" in broken(vgg16_weights)
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.ones(2)}, path, {"format": "pt"})
    assert "not a ganstyle style" in broken(path)


def test_newer_format_version(broken: Any, rewrite: Any, saved: Path) -> None:
    message = broken(rewrite(saved, format="2"))
    assert "format 1" in message
    assert "2" in message


@pytest.mark.parametrize("key", ["recipe", "info"])
def test_missing_or_invalid_metadata(broken: Any, rewrite: Any, saved: Path, key: str) -> None:
    before = saved.read_bytes()
    for value in (None, "{", ""):
        saved.write_bytes(before)
        broken(rewrite(saved, None, **{key: value}))


def test_unknown_recipe_keys_in_metadata(make: Make, broken: Any, rewrite: Any, saved: Path) -> None:
    recipe = make()[1].to_dict()
    for changes in ({"future": 1}, {"generator": {"name": "vit"}}, {"steps": "many"}):
        message = broken(rewrite(saved, recipe=json.dumps({**recipe, **changes}), ganstyle="9.9.9"))
        assert "made by ganstyle 9.9.9" in message


def test_recipe_of_an_impossible_generator(make: Make, broken: Any, rewrite: Any, saved: Path) -> None:
    recipe = make()[1].to_dict()
    for width in (0, "wide", None):
        broken(rewrite(saved, recipe=json.dumps({**recipe, "generator": {"name": "resnet", "width": width}})))


def test_missing_or_mismatched_tensor(broken: Any, rewrite: Any, saved: Path) -> None:
    tensors = load_file(saved)
    name = next(key for key in tensors if key.startswith("generator.") and key.endswith("weight"))
    without = {key: value for key, value in tensors.items() if key != name}
    before = saved.read_bytes()
    assert name.removeprefix("generator.") in broken(rewrite(saved, without))
    for changed in ({**without, name: torch.ones(1)}, {**tensors, "generator.more": torch.ones(1)}):
        saved.write_bytes(before)
        broken(rewrite(saved, changed))


def test_recipe_wider_than_the_weights(make: Make, broken: Any, rewrite: Any, saved: Path) -> None:
    recipe = make()[1].to_dict()
    recipe["generator"]["width"] = 8
    broken(rewrite(saved, recipe=json.dumps(recipe)))


@contextmanager
def full_disk(limit: int) -> Iterator[None]:
    """Let no file of this process grow beyond ``limit`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_full_disk_keeps_the_old_style(make: Make, saved: Path) -> None:
    before = saved.read_bytes()
    with full_disk(4096), pytest.raises(GanstyleError) as caught:
        save_style(saved, *make(), {})
    assert str(caught.value).startswith(f"{saved}: cannot be written")
    assert "\n" not in str(caught.value)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_unserializable_info_is_refused_before_writing(make: Make, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        save_style(tmp_path / "a.safetensors", *make(), {"when": object()})
    assert list(tmp_path.iterdir()) == []


def test_failed_save_leaves_no_file(make: Make, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def fail(path: Path, content: bytes) -> None:
        with path.open("wb") as file:
            file.write(content[:100])
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises(KeyboardInterrupt):
        save_style(saved, *make(), {})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
