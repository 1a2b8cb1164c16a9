"""The smallest kind of training that `RunLoop` carries: a pixel that learns the data's mean."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn
from torch.optim import SGD

from ganstyle.data.sampler import Draw
from ganstyle.recipe import RunRecipe
from ganstyle.runs.events import Event, Message, OnEvent, Progress, Saved, Scored
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.loop import Phase, RunLoop, RunResult
from ganstyle.runs.run import resume_run, start_run


class Numbers:
    """Each sample is the number of its place."""

    def __init__(self, start: float = 0.0) -> None:
        self.start = start

    def __len__(self) -> int:
        return 10

    def __getitem__(self, draw: Draw) -> dict[str, Tensor]:
        return {"number": torch.tensor([self.start + draw.index])}


@dataclass
class ToyState:
    network: nn.Module
    optimizer: AcceleratedOptimizer
    step: int = 0
    photos: int = 0
    seconds: float = 0.0
    replicated: bool = True

    def gather(self, accelerator: Accelerator, values: dict[str, Any]) -> dict[str, Any]:
        return values

    def state_dict(self, accelerator: Accelerator) -> dict[str, Any]:
        network, optimizer = self.network.state_dict(), self.optimizer.state_dict()
        return {"step": self.step, "photos": self.photos, "network": network, "optimizer": optimizer}

    def load_state_dict(self, accelerator: Accelerator, values: dict[str, Any]) -> None:
        self.network.load_state_dict(values["network"])
        self.optimizer.load_state_dict(values["optimizer"])
        self.step, self.photos = values["step"], values["photos"]


class ToyOutput:
    def __init__(self, folder: Path, state: ToyState) -> None:
        self.path = folder / "toy.safetensors"
        self.best: Path | None = folder / "best.safetensors"
        self.select = "style"
        self.comparison: Mapping[str, Any] = {}
        self.sample_every = self.score_every = 3
        self.state = state

    def find_problem(self) -> str | None:
        return None

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        path.write_text(f"{self.state.step} {sorted(scores)}")

    def sample(self) -> Tensor:
        return torch.zeros(3, 2, 2)

    def score(self) -> dict[str, float]:
        return {"style": 1 / (1 + self.state.step)}

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        return {"twice": 2 * scores["style"]}


def train(recipe: RunRecipe, on_event: OnEvent, *data: Phase) -> RunResult:
    with start_run(recipe, on_event, accumulate=2) as run:
        network = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(network.weight)
        optimizer = SGD(network.parameters(), lr=0.1)
        state = ToyState(*run.accelerator.prepare(network, optimizer))
        guard = Guard(run.accelerator, recipe.guard, clip=1e9)
        inputs = TrainingInputs()
        resume_run(run, state, guard, inputs)
        loop = RunLoop(run, state, guard, ToyOutput(recipe.folder, state), inputs=inputs)
        with loop.recording():
            for _, batches in loop.steps(data or [Phase(recipe.steps, Numbers())]):
                logs = []
                for batch in batches:
                    with run.accelerator.accumulate(state.network):
                        loss = (state.network(torch.ones(1, 1)) - batch["number"]).square().mean()
                        log = guard.update("toy", state.network, state.optimizer, loss)
                    logs.append({"loss": loss.detach(), "mean": batch["number"].mean(), **log})
                loop.end_step(logs)
        return loop.result()


@pytest.fixture
def recipe(tmp_path: Path) -> RunRecipe:
    values = {"name": "toy", "steps": 8, "batch_size": 2, "workers": 0, "precision": "fp32"}
    run = {"dir": str(tmp_path), "save_every": 3, "log_every": 1, "keep": 9}
    return RunRecipe.parse(values | {"run": run}, source="test")


def test_a_run_from_start_to_end(recipe: RunRecipe) -> None:
    events: list[Event] = []
    result = train(recipe, events.append)
    assert (result.step, result.finished, result.scores) == (8, True, {"style": 1 / 9})
    assert [event.step for event in events if isinstance(event, Progress)] == list(range(1, 9))
    assert [event.step for event in events if isinstance(event, Scored)] == [0, 3, 6, 8]
    saved = [(event.step, event.path.name) for event in events if isinstance(event, Saved)]
    assert [step for step, name in saved if name.endswith(".jpg")] == [0, 3, 6, 8]
    assert [step for step, name in saved if name.startswith("step-") and "." not in name] == [3, 6, 8]
    assert [step for step, name in saved if name == "best.safetensors"] == [3, 6, 8]
    assert (recipe.folder / "toy.safetensors").read_text() == "8 ['style']"
    assert {path.name for path in recipe.folder.iterdir()} == {
        *("best.safetensors", "checkpoints", "recipe.yaml", "samples", "scores.jsonl", "tensorboard"),
        "toy.safetensors",
    }
    assert '"twice"' in (recipe.folder / "scores.jsonl").read_text()


def test_every_sample_is_drawn_once_an_epoch(recipe: RunRecipe) -> None:
    means: list[float] = []
    train(recipe, lambda event: means.append(event.values["mean"]) if isinstance(event, Progress) else None)
    # Five batches of two, and two batches a step: two epochs take five steps.
    assert sum(means[:5]) / 5 == pytest.approx(4.5)


def test_phases_change_the_data_and_are_announced(recipe: RunRecipe) -> None:
    events: list[Event] = []
    phases = [Phase(3, Numbers(), label="small"), Phase(8, Numbers(100.0), label="large")]
    train(recipe, events.append, *phases)
    means = [event.values["mean"] for event in events if isinstance(event, Progress)]
    assert [mean > 50 for mean in means] == [False] * 3 + [True] * 5
    texts = [event.text for event in events if isinstance(event, Message)]
    assert [text for text in texts if text.startswith("up to")] == [
        "up to step 3: small",
        "up to step 8: large",
    ]


@pytest.mark.parametrize("stopped_at", [2, 3, 5])
def test_resume_bit_exact(recipe: RunRecipe, stopped_at: int) -> None:
    def stop(event: Event) -> None:
        if isinstance(event, Progress) and event.step == stopped_at:
            raise OSError(5, "as when a terminal is gone")

    other = recipe.model_copy(update={"name": "other"})
    phases = [Phase(3, Numbers()), Phase(8, Numbers(100.0))]
    train(recipe, lambda event: None, *phases)
    with pytest.raises(OSError, match="terminal"):
        train(other, stop, *phases)
    assert not (other.folder / "checkpoints" / "step-000008").exists()
    train(other, lambda event: None, *phases)
    one, two = (
        torch.load(path / "checkpoints" / "step-000008" / "state.pt", weights_only=True)
        for path in (recipe.folder, other.folder)
    )
    assert torch.equal(one["network"]["weight"], two["network"]["weight"])
    assert one["photos"] == two["photos"] == 32
