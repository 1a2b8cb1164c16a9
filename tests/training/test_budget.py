"""How many steps fit a time."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import ganstyle.training.budget
import ganstyle.training.measurement
from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.events import Event, OnEvent, Progress
from ganstyle.runs.state import steps_done
from ganstyle.training import TrainedStyle, train
from ganstyle.training.budget import fit_to_time, measure_step
from ganstyle.training.measurement import PhaseMeasurement

Tiny = Callable[..., dict[str, Any]]


def recipe(values: dict[str, Any]) -> Recipe:
    return Recipe.parse(values, source="test")


def test_steps_fit_the_time(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganstyle.training.budget, "measure_step", lambda recipe, stopped: 0.5)
    said: list[str] = []
    fitted = fit_to_time(recipe(tiny(steps=7)), 100, said.append)
    assert 170 <= fitted.steps <= 180  # nine tenths of the time
    assert (fitted.run.sample_every, fitted.run.save_every) == (fitted.steps // 10,) * 2
    assert said == ["measuring the speed …", f"{fitted.steps} steps fit the time"]
    assert fit_to_time(recipe(tiny()), 0.001).steps == 1
    monkeypatch.setattr(ganstyle.training.budget, "measure_step", lambda recipe, stopped: 0.0)
    assert fit_to_time(recipe(tiny(steps=7)), 100).steps == 7  # it could not be measured


def test_measuring_speed_leaves_no_files(tiny: Tiny, tmp_path: Path) -> None:
    values = tiny(phases=[{"until": 0.5, "image_size": 32}, {"until": 1.0}])
    mine = recipe(values)
    assert 0 < measure_step(mine) < 60
    assert not mine.folder.exists()
    assert measure_step(mine, lambda: True) == 0.0


def test_phases_alike_are_measured_once(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[int | None] = []

    def measure(recipe: Recipe, phase: PhaseSection) -> PhaseMeasurement:
        given.append(phase.image_size)
        return PhaseMeasurement([float(phase.image_size or recipe.image_size)], 0, 0)

    monkeypatch.setattr(ganstyle.training.measurement, "measure_phase", measure)
    ends = ({"until": 0.25, "strengths": False}, {"until": 0.5}, {"until": 1.0, "image_size": 48})
    mine = recipe(tiny(phases=list(ends), image_size=32))
    assert measure_step(mine) == pytest.approx(0.5 * 32 + 0.5 * 48)
    assert given == [None, 48]


def test_measuring_speed_can_be_interrupted(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(recipe: Recipe, on_event: OnEvent) -> TrainedStyle:
        def interrupt(event: Event) -> None:
            on_event(event)
            if isinstance(event, Progress):
                signal.raise_signal(signal.SIGINT)

        return train(recipe, interrupt)

    monkeypatch.setattr(ganstyle.training.measurement, "train", interrupted)
    assert measure_step(recipe(tiny())) == 0.0


def test_measuring_speed_starts_no_tracker(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    started: list[str] = []
    monkeypatch.setattr("ganstyle.runs.trackers._start", lambda name, recipe: started.append(name))
    values = tiny()
    values["run"] = values["run"] | {"trackers": ["tensorboard", "mlflow"]}
    assert measure_step(recipe(values)) > 0
    assert started == []


def test_budget_resume_keeps_the_plan_and_extends_a_finished_run(tiny: Tiny) -> None:
    mine = recipe(tiny(steps=2))
    train(mine)
    longer = mine.model_copy(update={"steps": 5})
    assert fit_to_time(longer, 60) is longer
    fitted = fit_to_time(mine, 60)
    assert fitted.steps > 2
    assert train(fitted.model_copy(update={"steps": 3})).step == 3  # it continues


def test_steps_of_a_torn_state_do_not_count(tiny: Tiny) -> None:
    mine = recipe(tiny(steps=4))
    assert steps_done(mine.folder) == 0
    train(mine)
    assert steps_done(mine.folder) == 4
    (mine.folder / "checkpoints" / "step-000004" / "state.pt").write_bytes(b"torn")
    assert steps_done(mine.folder) == 2
    assert fit_to_time(mine, 60) is mine
