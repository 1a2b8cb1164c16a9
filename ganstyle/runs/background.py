"""Training in a process of its own, for an interface that goes on meanwhile.

The process gets its order through its standard input and reports events as lines of JSON; see
`ganstyle.training.order`. It saves and stops when its input closes.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from ganstyle.errors import GanstyleError
from ganstyle.recipe import Recipe
from ganstyle.weights import WeightsFile

_STOP_TIMEOUT = 5.0  # seconds that closing waits for a training to save; it goes on saving without us

NOT_BETTER = "no better than at once"
"""The text of a fit that has ended with the style that it began with."""

_COMMAND = "from ganstyle.training.order import run_order; run_order()"


@dataclass(frozen=True)
class TrainingStatus:
    """How the training stands.

    Attributes:
        name: of the run.
        state: what it does.
        step: steps done.
        steps: of these; 0: not known yet.
        eta: seconds left at this speed.
        text: the latest message, or what went wrong.
    """

    name: str
    state: Literal["preparing", "training", "stopping", "stopped", "finished", "failed"]
    step: int = 0
    steps: int = 0
    eta: float = 0.0
    text: str = ""

    @property
    def running(self) -> bool:
        """Whether the process is at work."""
        return self.state in ("preparing", "training", "stopping")


class Trainer:
    """Runs one training at a time.

    Args:
        device: where it trains; on a CPU if this is one.
        vgg: what recipes that say ``vgg: auto`` get; nothing is downloaded.
    """

    def __init__(self, device: torch.device, vgg: WeightsFile) -> None:
        self._environment = {"GANSTYLE_VGG16": str(vgg.path.resolve())}
        if device.type == "cpu":
            self._environment["ACCELERATE_USE_CPU"] = "true"
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._status: TrainingStatus | None = None
        self._follower: threading.Thread | None = None
        self._closed = False

    @property
    def status(self) -> TrainingStatus | None:
        """How the latest training stands; None: there was none yet."""
        with self._lock:
            return self._status

    def check_idle(self) -> None:
        """Raise if no training can start now.

        Raises:
            GanstyleError: another training runs, or the interface is closing.
        """
        with self._lock:
            self._check_idle()

    def start(self, recipe: Recipe, minutes: float, at_end: Callable[[], None] = lambda: None) -> None:
        """Start a training, or continue the one in the recipe's folder.

        Args:
            recipe: of the run. A fresh run gets the number of steps that fits the time.
            minutes: after which it stops in any case; its style is then that of the last step.
            at_end: called when the process has ended, however.

        Raises:
            GanstyleError: another training runs, or the interface is closing.
        """
        self._start(recipe.name, {"recipe": recipe.to_dict(), "minutes": minutes}, at_end)

    def start_fit(
        self, painting: Path, output: Path, *, photos: Path | None, runs: Path, minutes: float
    ) -> None:
        """Start to fit a style to a painting; stopped, it writes the best until then.

        Args:
            painting: as for `ganstyle.training.fit.fit`, like the rest.
            output: the style's file.
            photos: a folder.
            runs: a folder.
            minutes: after which it stops in any case.

        Raises:
            GanstyleError: another training runs, or the interface is closing.
        """
        files = {"painting": painting, "output": output, "photos": photos, "runs": runs}
        named = {name: str(file) for name, file in files.items() if file}
        self._start("of a painting", {"fit": named, "minutes": minutes}, lambda: None)

    def _start(self, name: str, order: Mapping[str, Any], at_end: Callable[[], None]) -> None:
        with self._lock:
            self._check_idle()
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env={**os.environ, **self._environment},
                start_new_session=True,  # of a Ctrl-C in the terminal, only the interface tells it, once
            )
            self._process = process
            self._status = TrainingStatus(name, "preparing", text="Loading …")
            assert process.stdin
            with suppress(OSError):  # it has ended already; its output says why
                # Within the lock, as `stop` closes this.
                print(json.dumps(order), file=process.stdin, flush=True)
            self._follower = threading.Thread(
                target=self._follow, args=(process, at_end), name="ganstyle-training", daemon=True
            )
            self._follower.start()

    def stop(self) -> None:
        """Ask the training to save its state and stop."""
        with self._lock:
            if self._process and self._status and self._status.running:
                self._status = replace(self._status, state="stopping")
                _close_input(self._process)

    def wait(self) -> None:
        """Wait until no training is running."""
        if self._follower:
            self._follower.join()

    def close(self) -> None:
        """Ask the training to save and stop, and start no other; one that still saves is not cut off."""
        with self._lock:
            self._closed = True
        self.stop()
        if self._process:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_STOP_TIMEOUT)

    def _check_idle(self) -> None:
        if self._closed:
            raise GanstyleError("the interface is closing; no training is started")
        if self._status and self._status.running:
            raise GanstyleError(
                f"the training {self._status.name} is running; wait until it ends, or stop it first"
            )

    def _follow(self, process: "subprocess.Popen[str]", at_end: Callable[[], None]) -> None:
        """Read what the process reports until it ends; only then may another one start."""
        assert process.stdout
        last: TrainingStatus | None = None
        for line in process.stdout:
            with self._lock:
                assert self._status
                status = update_status(self._status, line)
                if status.running:
                    self._status = status
                else:
                    last = status
        code = process.wait()
        _close_input(process)
        process.stdout.close()
        try:
            with suppress(OSError):
                at_end()
        finally:  # whatever becomes of that: no training would start again if this one seemed to run on
            with self._lock:
                assert self._status
                reason = self._status.text if code >= 0 else f"its process was ended by signal {-code}"
                self._status = last or replace(self._status, state="failed", text=reason)


def update_status(status: TrainingStatus, line: str) -> TrainingStatus:
    """Return the status after a line of the process's output."""
    try:
        event = json.loads(line)
        if event.pop("event") == "progress" and status.state == "preparing":
            event["state"] = "training"
        return replace(status, **event)
    except (ValueError, TypeError, KeyError, AttributeError):  # of a library, or a traceback
        return replace(status, text=line.strip() or status.text)


def _close_input(process: "subprocess.Popen[str]") -> None:
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
