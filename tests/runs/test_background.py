"""The process that trains: what it reports, and what becomes of it when it is stopped, fails or is killed."""

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import Any

import psutil
import pytest
import torch

import ganstyle.runs.background
from ganstyle.errors import GanstyleError
from ganstyle.recipe import Recipe
from ganstyle.runs.background import Trainer, TrainingStatus, update_status
from ganstyle.runs.state import list_states
from ganstyle.weights import find_vgg16

# Reports a step, and then does what the test says.
_FAKE = """
import json, os, signal, sys, time
order = json.loads(sys.stdin.readline())
def report(event, **values): print(json.dumps({{"event": event, **values}}), flush=True)
report("progress", step=1, steps=9, eta=3.0)
{then}
"""
_STOPS = "sys.stdin.read(); report('ended', state='stopped', step=2, steps=9, text='')"


@pytest.fixture
def trainer() -> Trainer:
    return Trainer(torch.device("cpu"), find_vgg16("distilled"))


@pytest.fixture
def recipe(tiny: Callable[..., dict[str, Any]]) -> Recipe:
    return Recipe.parse(tiny(name="mine"), source="test")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that replaces the training by a script."""

    def replace(then: str) -> None:
        monkeypatch.setattr(ganstyle.runs.background, "_COMMAND", _FAKE.format(then=then))

    return replace


def wait_until(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status_of(trainer: Trainer) -> TrainingStatus:
    status = trainer.status
    assert status
    return status


def test_status_follows_events() -> None:
    status = TrainingStatus("mine", "preparing")
    status = update_status(status, '{"event": "message", "text": "measuring"}')
    assert (status.state, status.text) == ("preparing", "measuring")
    status = update_status(status, '{"event": "progress", "step": 3, "steps": 9, "eta": 1.5}')
    assert (status.state, status.step, status.steps, status.eta) == ("training", 3, 9, 1.5)
    for line in (
        "a library says something\n",
        "[1, 2]",
        '{"step": 5}',
        '{"event": "log", "step": 5, "level": 3}',  # of a library that writes JSON too
        "\n",
    ):
        assert update_status(status, line).step == 3
    status = update_status(
        status, '{"event": "ended", "state": "finished", "step": 9, "steps": 9, "text": ""}'
    )
    assert not status.running


def test_one_training_at_a_time(trainer: Trainer, recipe: Recipe, fake: Callable[[str], None]) -> None:
    fake(_STOPS)
    assert trainer.status is None
    trainer.stop()  # nothing to stop
    ended = Event()
    trainer.start(recipe, 5, ended.set)
    with pytest.raises(GanstyleError, match="the training mine is running; wait until it ends"):
        trainer.start(recipe, 5)
    wait_until(lambda: status_of(trainer).state == "training")
    trainer.stop()
    trainer.stop()
    wait_until(lambda: not status_of(trainer).running)
    assert status_of(trainer) == TrainingStatus("mine", "stopped", 2, 9, 3.0)
    assert ended.is_set()
    trainer.check_idle()


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("raise ValueError('no luck')", "ValueError: no luck"),
        ("report('ended', state='failed', text='x.png: not an image')", "x.png: not an image"),
        ("os.kill(os.getpid(), signal.SIGKILL)", "its process was ended by signal 9"),
    ],
)
def test_background_training_that_fails(
    trainer: Trainer, recipe: Recipe, fake: Callable[[str], None], then: str, said: str
) -> None:
    fake(then)
    trainer.start(recipe, 5)
    wait_until(lambda: not status_of(trainer).running)
    assert (status_of(trainer).state, status_of(trainer).text) == ("failed", said)
    trainer.check_idle()  # another one may start


@pytest.mark.parametrize("error", [OSError("no"), RuntimeError("dictionary changed size during iteration")])
def test_error_at_the_end_does_not_keep_the_training_running(
    trainer: Trainer,
    recipe: Recipe,
    fake: Callable[[str], None],
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is reported as any other error of a thread, unless it is one of the disk."""
    seen: list[BaseException | None] = []
    ended = Event()

    def at_end() -> None:
        ended.set()
        raise error

    monkeypatch.setattr(threading, "excepthook", lambda arguments: seen.append(arguments.exc_value))
    fake("report('ended', state='finished', step=9, steps=9, text='')")
    trainer.start(recipe, 5, at_end)
    assert ended.wait(60)
    for thread in threading.enumerate():
        if thread.name == "ganstyle-training":
            thread.join(60)
    assert status_of(trainer).state == "finished"
    assert seen == ([] if isinstance(error, OSError) else [error])
    trainer.check_idle()  # another one may start


def test_close_stops_the_training_and_starts_no_other(
    trainer: Trainer, recipe: Recipe, fake: Callable[[str], None]
) -> None:
    fake(_STOPS)
    trainer.start(recipe, 5)
    wait_until(lambda: status_of(trainer).state == "training")
    trainer.close()
    wait_until(lambda: status_of(trainer).state == "stopped")
    with pytest.raises(GanstyleError, match="closing"):
        trainer.start(recipe, 5)


def test_close_does_not_cut_off_a_training_that_saves(
    trainer: Trainer,
    recipe: Recipe,
    fake: Callable[[str], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    saved = tmp_path / "saved"
    fake(f"sys.stdin.read(); time.sleep(1); open({str(saved)!r}, 'w').close()")
    monkeypatch.setattr(ganstyle.runs.background, "_STOP_TIMEOUT", 0.1)
    trainer.start(recipe, 5)
    wait_until(lambda: status_of(trainer).state == "training")
    trainer.close()
    assert not saved.exists()
    wait_until(saved.exists)


_INTERFACE = """
import json, sys, time
from pathlib import Path
import torch
from ganstyle.runs.background import Trainer
from ganstyle.recipe import Recipe
from ganstyle.weights import find_vgg16
trainer = Trainer(torch.device("cpu"), find_vgg16("distilled"))
trainer.start(Recipe.parse(json.loads(sys.argv[1]), source="test"), 60)
print(trainer._process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.slow
def test_killed_gui_lets_the_training_save(tiny: Callable[..., dict[str, Any]]) -> None:
    """The real training: it stops, and its state is whole."""
    values = tiny(name="orphan")
    folder = Recipe.parse(values, source="test").folder
    interface = subprocess.Popen(
        [sys.executable, "-c", _INTERFACE, json.dumps(values)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert interface.stdout
    training = psutil.Process(int(interface.stdout.readline()))
    wait_until(lambda: (folder / "samples" / "step-000000.jpg").exists(), 120)
    interface.send_signal(signal.SIGKILL)
    interface.wait()
    interface.stdout.close()
    training.wait(60)
    assert len(list_states(folder / "checkpoints")) == 1
    assert (folder / "style.safetensors").exists()
