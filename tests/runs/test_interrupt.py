"""Signals and a closed output end a training only after it has saved."""

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.runs import interrupt
from ganstyle.runs.interrupt import Interrupt, Listener
from ganstyle.runs.state import check_state, list_states
from ganstyle.training import Event, Message, Progress, Saved, train
from tests.fork_server import Fork, ForkServer

RecipeMaker = Callable[..., dict[str, Any]]


class _Accelerator:
    """What Accelerate's trigger is like on one process."""

    triggered = False

    def set_trigger(self) -> None:
        self.triggered = True

    def check_trigger(self) -> bool:
        triggered, self.triggered = self.triggered, False
        return triggered


def _interrupt() -> Interrupt:
    return Interrupt(_Accelerator())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_is_recorded_and_handler_restored(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with _interrupt() as noted:
        assert not noted.requested()
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # the launcher's copy of the same request
        assert noted.requested()
    assert signal.getsignal(number) is before


def test_ignored_signal_stays_ignored() -> None:
    """As nohup and a shell's background jobs have it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with _interrupt() as noted:
            os.kill(os.getpid(), signal.SIGHUP)
            assert not noted.requested()
    finally:
        signal.signal(signal.SIGHUP, before)


def test_second_signal_kills(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interrupt, "_SAME_REQUEST", -1.0)
    with _interrupt() as noted:
        os.kill(os.getpid(), signal.SIGINT)
        assert noted.requested()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("number", [errno.EPIPE, errno.EIO, errno.ENOSPC])
def test_listener_that_fails_asks_for_a_stop(number: int) -> None:
    accelerator, heard = _Accelerator(), []

    def listen(event: Event) -> None:
        heard.append(event)
        raise OSError(number, "gone")

    listener = Listener(listen, accelerator)
    listener(Message("one"))
    listener(Message("two"))
    assert heard == [Message("one")]
    assert accelerator.triggered
    with pytest.raises(OSError, match="gone"):
        listener.close()


def test_other_listener_errors_are_raised() -> None:
    def listen(event: Event) -> None:
        raise RunError("mine")

    with pytest.raises(RunError):
        Listener(listen, _Accelerator())(Message("one"))


@pytest.mark.parametrize("when", [Message, Progress, Saved])
def test_closed_output_saves_and_stops(tiny: RecipeMaker, when: type[Event]) -> None:
    recipe = Recipe.parse(tiny(steps=50), source="test")

    def listen(event: Event) -> None:
        if isinstance(event, when):
            raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    with pytest.raises(BrokenPipeError):
        train(recipe, listen)
    (state, *_) = list_states(recipe.folder / "checkpoints")
    assert check_state(state) is None
    assert 1 <= int(state.name[5:]) <= 3
    assert not (recipe.folder / ".lock").exists()
    assert train(Recipe.parse(tiny(steps=4), source="test")).finished


@pytest.fixture
def process(tiny: RecipeMaker, fork_server: ForkServer, tmp_path: Path) -> Iterator[Fork]:
    """A training from the command line that would take days."""
    path = tmp_path / "recipe.yaml"
    path.write_text(json.dumps(tiny(steps=10**6)))
    process = fork_server.start(
        "-m", "ganstyle", "train", str(path), environment=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    yield process
    process.close()


def test_pipe_to_head_exits_quietly(process: Fork, tmp_path: Path) -> None:
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait() == 1
    (state, *_) = list_states(tmp_path / "runs" / "tiny" / "checkpoints")
    assert check_state(state) is None


def test_hangup_saves_and_stops(process: Fork, tmp_path: Path) -> None:
    assert any(line.startswith("step ") for line in process.stdout)
    for _ in range(3):  # a terminal's and a shell's
        process.send_signal(signal.SIGHUP)
    rest = process.stdout.read()
    assert process.wait() == 130
    assert "the same command continues from there" in rest
    (state, *_) = list_states(tmp_path / "runs" / "tiny" / "checkpoints")
    assert check_state(state) is None
