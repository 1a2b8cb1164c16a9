from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.recipe import RunRecipe
from ganstyle.runs import progress
from ganstyle.runs.events import Event, Progress
from ganstyle.runs.launch import start_accelerator
from ganstyle.runs.progress import ProgressMeter, mean_log
from ganstyle.runs.run import Run
from ganstyle.runs.tracking import Tracker


class Clock:
    """Time that passes when it is told to."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def meter(clock: Clock, events: list[Event], tmp_path: Path) -> ProgressMeter:
    recipe = RunRecipe.parse({"name": "tiny", "steps": 100}, source="test")
    run = Run(recipe, start_accelerator("fp32", accumulate=1), events.append, None)
    return ProgressMeter(run, Tracker(tmp_path, step=0, enabled=False), step=10, images_per_step=8)


def test_speed_and_time_left(meter: ProgressMeter, clock: Clock, events: list[Any]) -> None:
    clock.now = 5.0
    meter.report(20, {"loss/a": torch.tensor(2.0)}, {"learning_rate": 0.1})
    (event,) = events
    assert event == Progress(
        step=20,
        steps=100,
        images_per_second=16.0,
        eta_seconds=40.0,
        values={"loss/a": 2.0, "speed/images_per_second": 16.0, "learning_rate": 0.1},
    )
    clock.now = 6.0
    meter.report(25, {"loss/a": torch.tensor(2.0)}, {})
    assert events[1].images_per_second == 40.0  # since the last report


def test_pauses_are_not_timed(meter: ProgressMeter, clock: Clock, events: list[Any]) -> None:
    with meter.paused():
        clock.now = 100.0
    clock.now = 105.0
    meter.report(20, {"loss/a": torch.tensor(2.0)}, {})
    assert events[0].images_per_second == 16.0


def test_start_resets_the_timer(meter: ProgressMeter, clock: Clock, events: list[Any]) -> None:
    clock.now = 50.0
    meter.start(40)
    clock.now = 51.0
    meter.report(41, {"loss/a": torch.tensor(2.0)}, {})
    assert events[0].images_per_second == 8.0


def test_mean_log_averages_over_the_batches_that_measured() -> None:
    logs = [
        {"loss": torch.tensor(1.0), "r1": torch.tensor(4.0)},
        {"loss": torch.tensor(2.0), "gradient": torch.tensor(7.0)},
        {"loss": torch.tensor(6.0, dtype=torch.bfloat16)},
    ]
    assert {name: float(value) for name, value in mean_log(logs).items()} == {
        "loss": 3.0,
        "r1": 4.0,
        "gradient": 7.0,
    }
