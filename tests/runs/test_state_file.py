"""Saved states from strangers: their hashes fit, since whoever forged them wrote those, too."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Adam

from ganstyle.errors import RunError
from ganstyle.files import sha256
from ganstyle.recipe import Recipe
from ganstyle.runs.state import check_state, load_state, save_state
from ganstyle.runs.state_file import read_state_file
from ganstyle.runs.training_state import _check_moments


def refused(path: Path) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        read_state_file(path)
    return str(caught.value)


def save(path: Path, values: object) -> Path:
    torch.save(values, path)
    return path


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1], "not a dictionary"),
        (torch.ones(2), "not a dictionary"),
        ({1: 2}, "not a dictionary"),
        ({"step": -1}, "step is not a whole number"),
        ({"step": 2**70}, "step is not a whole number"),
        ({"step": True}, "step is not a whole number"),
        ({"step": 1, "photos": 1.5}, "photos is not a whole number"),
        ({"step": 1, "photos": 1, "seconds": float("nan")}, "seconds is not a number"),
        ({"generator": {"w": torch.tensor([1.0, float("nan")])}}, "generator is not finite"),
        ({"generator": {"w": torch.ones(1).expand(2**40)}}, "larger than its numbers"),
        ({"generator": {"w": torch.ones(2, 2).to_sparse()}}, "of another layout"),
    ],
)
def test_state_values_of_wrong_type(tmp_path: Path, values: object, reason: str) -> None:
    assert reason in refused(save(tmp_path / "state.pt", values))


def test_deeply_nested_state(tmp_path: Path) -> None:
    deep: Any = {}
    for _ in range(300):
        deep = {"a": deep}
    assert read_state_file(save(tmp_path / "state.pt", deep)) == deep


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    assert "Weights only load failed" in refused(save(tmp_path / "state.pt", {"a": _Malicious(trace)}))
    assert not trace.exists()


class _Malicious:
    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return Path.touch, (self.trace,)


def test_compression_bomb(tmp_path: Path) -> None:
    plain, bomb = save(tmp_path / "plain.pt", {"w": torch.zeros(10**7)}), tmp_path / "bomb.pt"
    with zipfile.ZipFile(plain) as archive, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    assert bomb.stat().st_size < 10**5
    assert "claim more bytes" in refused(bomb)


@pytest.mark.parametrize("seed", range(20))
def test_flipped_bytes(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "state.pt", {"step": 1, "w": torch.arange(50.0), "names": ["a", {"b": None}]})
    content, generator = bytearray(path.read_bytes()), torch.Generator().manual_seed(seed)
    for place in torch.randint(len(content), (8,), generator=generator).tolist():
        content[place] ^= 1 << int(torch.randint(8, (1,), generator=generator))
    path.write_bytes(content[: len(content) - 30 * (seed % 2)])
    try:
        read_state_file(path)
    except (ValueError, OSError) as problem:
        error = problem
    else:
        return
    assert "\n" not in str(error)


def test_optimizer_moments_of_wrong_shape() -> None:
    network = nn.Linear(2, 3)
    optimizer = Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    _check_moments(optimizer, "generator_optimizer")
    optimizer.state[network.bias]["exp_avg"] = torch.zeros(4)
    with pytest.raises(ValueError, match=r"generator_optimizer: exp_avg is \(4,\), not \(3,\)"):
        _check_moments(optimizer, "generator_optimizer")


class _Sink:
    def load_state_dict(self, accelerator: Any, values: dict[str, Any]) -> None:
        raise AssertionError


def test_forged_state_is_one_line(tmp_path: Path, tiny: Any) -> None:
    recipe = Recipe.parse(tiny(), source="test")
    state = save_state(
        tmp_path / "checkpoints", 1, {"step": 1, "w": torch.tensor(float("nan"))}, recipe, keep=1
    )
    assert check_state(state) is None
    with pytest.raises(RunError, match=r"^.*step-000001: not a training state .*: w is not finite$"):
        load_state(state, _Sink(), None)


@pytest.mark.parametrize("text", ["[" * 10**5, "{" * 100, '{"a": ' * 5000, "9" * 10**5, "", "[]", "null"])
def test_manifest_of_wrong_type(tmp_path: Path, tiny: Any, text: str) -> None:
    recipe = Recipe.parse(tiny(), source="test")
    state = save_state(tmp_path / "checkpoints", 1, {"step": 1}, recipe, keep=1)
    manifest = json.loads((state / "manifest.json").read_text())
    assert manifest["sha256"]["state.pt"] == sha256(state / "state.pt")
    (state / "manifest.json").write_text(text)
    problem = check_state(state)
    assert problem is not None
    assert problem.startswith("manifest.json is damaged")
    assert len(problem) < 300
