"""Two processes on a CPU, launched as a user would launch them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import train
from tests.fork_server import ForkServer

RecipeMaker = Callable[..., dict[str, Any]]

# Trains from a file of values; every rank writes its own view of the weights.
_RANK = """
import json, os, sys
from pathlib import Path

import torch
from ganstyle.style import load_style
from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.training import loop

fresh = loop.fresh_state
def remember(*arguments, **keywords):
    global state
    state = fresh(*arguments, **keywords)
    return state

if __name__ == "__main__":
    loop.fresh_state = remember
    folder = Path(sys.argv[1])
    recipe = Recipe.parse(json.loads((folder / "values.json").read_text()), source="test")
    outcome = loop.train(recipe)
    networks = {"generator": state.generator, "discriminator": state.discriminator, "average": state.average}
    torch.save({k: v.state_dict() for k, v in networks.items()}, folder / f"rank{os.environ['RANK']}.pt")
"""


def _prepare(folder: Path, values: dict[str, Any], program: str) -> tuple[str, str]:
    """Write a program and the values that it trains from; return the arguments that run it."""
    folder.mkdir()
    (folder / "values.json").write_text(json.dumps(values))
    (folder / "rank.py").write_text(program)
    return str(folder / "rank.py"), str(folder)


def test_ranks_stay_equal_and_equal_one_process_with_the_whole_batch(
    tiny: RecipeMaker, fork_server: ForkServer, photos: Path, tmp_path: Path
) -> None:
    score = {"every": 1, "content": str(photos), "size": 16}
    loss = {"style": 5.0, "r1": 1.0, "sliced_wasserstein": 2.0}
    values = tiny(steps=1, batch_size=2, loss=loss, score=score)
    values["generator"] = values["generator"] | {"strength": True}
    values["discriminator"] = values["discriminator"] | {"spectral_norm": True}
    done = fork_server.run_ranks(*_prepare(tmp_path / "two", values | {"name": "two"}, _RANK))
    assert [code for code, _, _ in done] == [0, 0], done
    ranks = [torch.load(tmp_path / "two" / f"rank{rank}.pt", weights_only=True) for rank in (0, 1)]
    for network in ("generator", "discriminator", "average"):
        for name, weight in ranks[0][network].items():
            assert torch.equal(weight, ranks[1][network][name]), f"{network}.{name}"

    whole = Recipe.parse(values | {"name": "whole", "batch_size": 4}, source="test")
    train(whole)
    step = Path("checkpoints", "step-000001", "state.pt")
    one = torch.load(whole.folder / step, weights_only=True)
    two = torch.load(whole.folder.parent / "two" / step, weights_only=True)
    assert two["photos"] == one["photos"] == 4
    for network in ("generator", "discriminator"):
        for index, moment in one[f"{network}_optimizer"]["state"].items():
            other = two[f"{network}_optimizer"]["state"][index]
            torch.testing.assert_close(other["exp_avg"], moment["exp_avg"], atol=1e-5, rtol=0)
    # Weights as such are not compared: where the true gradient is 0 (a bias that instance norm takes out
    # again), Adam makes whole steps out of rounding errors. What the network computes is.
    image = torch.rand(1, 3, 32, 32)
    outputs = [
        load_style(whole.folder.parent / name / "style.safetensors").generator(image)
        for name in ("whole", "two")
    ]
    torch.testing.assert_close(outputs[0], outputs[1], atol=1e-5, rtol=0)
    # Three photos, shared out among two processes, come to the same scores.
    lines = [
        json.loads((whole.folder.parent / name / "scores.jsonl").read_text().splitlines()[0])
        for name in ("whole", "two")
    ]
    assert lines[1].pop("comparable") == lines[0].pop("comparable")
    assert lines[1] == pytest.approx(lines[0], rel=1e-4, abs=1e-6)


# Trains; the data of rank 1 fail at the fourth step.
_FAILING_RANK = """
import json, os, sys
from pathlib import Path

from ganstyle.data.training import TrainingData
from ganstyle.errors import DataError
from ganstyle.recipe import Recipe
from ganstyle.training import train

get, calls = TrainingData.__getitem__, 0
def fail(self, draw):
    global calls
    calls += 1
    if calls == 7 and os.environ["RANK"] == "1":
        raise DataError("the disk of rank 1 is gone")
    return get(self, draw)

if __name__ == "__main__":
    TrainingData.__getitem__ = fail
    folder = Path(sys.argv[1])
    train(Recipe.parse(json.loads((folder / "values.json").read_text()), source="test"))
"""


def _failing(tiny: RecipeMaker) -> dict[str, Any]:
    values = tiny(steps=6)
    return values | {"run": values["run"] | {"save_every": 0}}


def _assert_saved(values: dict[str, Any]) -> None:
    recipe = Recipe.parse(values, source="test")
    assert [path.name for path in (recipe.folder / "checkpoints").iterdir()] == ["step-000003"]


def test_main_process_saves_the_last_step_when_another_one_fails(
    tiny: RecipeMaker, fork_server: ForkServer, tmp_path: Path
) -> None:
    values = _failing(tiny)
    done = fork_server.run_ranks(*_prepare(tmp_path / "failing", values, _FAILING_RANK))
    assert all(code != 0 for code, _, _ in done), done
    assert "the disk of rank 1 is gone" in done[1][2]
    _assert_saved(values)


@pytest.mark.slow
def test_main_process_saves_the_last_step_under_torchrun(
    tiny: RecipeMaker, run_two_processes: Callable[..., Any], tmp_path: Path
) -> None:
    values = _failing(tiny)
    done = run_two_processes(*_prepare(tmp_path / "failing", values, _FAILING_RANK))
    assert done.returncode != 0
    assert "the disk of rank 1 is gone" in done.stderr
    _assert_saved(values)


def test_processes_without_a_process_group_are_an_error(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr("ganstyle.runs.launch.PartialState", _Alone)
    with pytest.raises(RunError, match="torchrun"):
        train(Recipe.parse(tiny(), source="test"))


class _Alone:
    """What Accelerate's state is like in a process that did not find the others."""

    num_processes = 1
    device = torch.device("cpu")

    def __init__(self, cpu: bool, timeout: object) -> None:
        pass
