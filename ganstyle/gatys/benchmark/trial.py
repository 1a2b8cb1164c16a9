"""One optimizer under one budget, in its own process, and its best picture at set moments.

A fresh process each makes peak memory honest: none inherits what another one left in the allocator.
"""

import multiprocessing
import pickle
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from ganstyle.devices import PeakMemory
from ganstyle.errors import GanstyleError
from ganstyle.gatys.events import Iterate, OptimizationEvent
from ganstyle.gatys.memory import explain_out_of_memory
from ganstyle.gatys.optimization import optimize
from ganstyle.gatys.optimizers import OPTIMIZERS, Problem, make_optimizer
from ganstyle.gatys.settings import LAYERS, GatysSettings
from ganstyle.runs.events import Message
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

_NO_LIMIT = 10**9  # steps: the budget is what ends a trial

MARKS = sorted({1.08**-k for k in range(70)} | {0.25, 0.5})
"""Fractions of the budget at which the best picture is saved, closer together early on."""


@dataclass(frozen=True)
class Budget:
    """How much a trial may spend, in seconds or in evaluations of the network."""

    unit: Literal["seconds", "evaluations"]
    amount: float

    def spent(self, seconds: float, evaluations: float) -> float:
        """Return what is spent, as a fraction."""
        return (seconds if self.unit == "seconds" else evaluations) / self.amount


@dataclass(frozen=True)
class Snapshot:
    """The best picture so far, by the optimizer's own account, at one moment.

    Attributes:
        seconds: when it was found.
        evaluations: how many it took.
        path: the picture, (1, 3, H, W) float32 as NumPy saves it.
    """

    seconds: float
    evaluations: float
    path: Path

    def picture(self) -> Tensor:
        """Read the picture."""
        return torch.from_numpy(np.load(self.path))


class SnapshotRecorder:
    """A callback of `optimize` that keeps on disk the best picture when each of ``MARKS`` was passed.

    On disk, because a list of pictures would count as the optimizer's memory.

    Args:
        folder: for the pictures.
        budget: what the marks are fractions of.
    """

    def __init__(self, folder: Path, budget: Budget) -> None:
        self.kept: list[Snapshot] = []
        self.notes: list[str] = []
        self._folder, self._budget = folder, budget
        self._best: Iterate | None = None
        self._best_is_kept = False
        self._marks = list(MARKS)

    def __call__(self, event: OptimizationEvent) -> None:
        """Take note of an event."""
        if isinstance(event, Message):
            self.notes.append(event.text)
            return
        passed = False
        spent = self._budget.spent(event.seconds, event.evaluations)
        while self._marks and spent > self._marks[0]:
            self._marks.pop(0)
            passed = True
        if passed:
            self._keep_best()
        if self._best is None or event.loss < self._best.loss:
            self._best, self._best_is_kept = event, False

    def finish(self, image: Tensor, seconds: float, evaluations: float) -> None:
        """Keep the result."""
        self._keep_best()
        self._keep(image, seconds, evaluations)

    def _keep_best(self) -> None:
        if self._best is not None and not self._best_is_kept:
            self._keep(self._best.image, self._best.seconds, self._best.evaluations)
            self._best_is_kept = True

    def _keep(self, image: Tensor, seconds: float, evaluations: float) -> None:
        path = self._folder / f"{len(self.kept):03}.npy"
        np.save(path, image.float().cpu().numpy())
        self.kept.append(Snapshot(seconds, evaluations, path))


@dataclass(frozen=True)
class BenchmarkSetup:
    """What is the same for all trials of a comparison.

    Attributes:
        content: the photo, (1, 3, H, W) in [0, 1], at the size that is worked at.
        styles: the paintings, each (1, 3, H, W) in [0, 1].
        settings: weights and layers of the objective; the optimizer and the budget are the trial's.
        vgg: the network's file.
        dtype: what the network computes in while it is optimized against.
        device: where.
        threads: of PyTorch on the processor.
    """

    content: Tensor
    styles: Sequence[Tensor]
    settings: GatysSettings
    vgg: WeightsFile
    dtype: torch.dtype
    device: torch.device
    threads: int


@dataclass(frozen=True)
class Trial:
    """One run: which optimizer, how long, from which picture (1, 3, H, W), with which random numbers."""

    optimizer: str
    budget: Budget
    seed: int
    start: Tensor


@dataclass(frozen=True)
class TrialResult:
    """What a trial came to.

    Attributes:
        snapshots: in the order of time; the last one is the result.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory_bytes: above that of an interpreter with PyTorch and the optimizer's own imports loaded,
            the network included; on a CUDA device, bytes allocated there.
        notes: the optimizer's messages.
    """

    snapshots: Sequence[Snapshot]
    steps: int
    evaluations: float
    seconds: float
    peak_memory_bytes: int
    notes: Sequence[str]


def run_trial(setup: BenchmarkSetup, trial: Trial, folder: Path) -> TrialResult:
    """Run a trial in this process.

    Args:
        setup: what all trials share.
        trial: what this one does.
        folder: an empty one, for the snapshots.

    Raises:
        GanstyleError: see `optimize`.
    """
    budget = trial.budget
    recorder = SnapshotRecorder(folder, budget)
    _load(trial.optimizer)
    settings = replace(
        setup.settings,
        optimizer=trial.optimizer,
        optimizer_options={},
        steps=_NO_LIMIT,
        tolerance=0.0,
        seconds=budget.amount if budget.unit == "seconds" else None,
        max_evaluations=budget.amount if budget.unit == "evaluations" else None,
        size=None,
        scales="single",  # a pass at a smaller size would cost less, and evaluations would not compare
        seed=trial.seed,
    )
    size = min(setup.content.shape[-2:])
    with PeakMemory(setup.device) as memory, explain_out_of_memory(size, setup.device):
        features = load_vgg16(setup.vgg, LAYERS, dtype=setup.dtype, padding="replicate").to(setup.device)
        content = setup.content.to(setup.device)
        _warm_up(features, content)
        result = optimize(
            content,
            [style.to(setup.device) for style in setup.styles],
            features=features,
            settings=settings,
            start_image=trial.start.to(setup.device),
            callback=recorder,
        )
    recorder.finish(result.image, result.seconds, result.evaluations)
    return TrialResult(
        recorder.kept, result.steps, result.evaluations, result.seconds, memory.bytes, recorder.notes
    )


def run_in_process(setup: BenchmarkSetup, trial: Trial, folder: Path) -> TrialResult:
    """Run a trial in its own process, which ends with it, also when this one is interrupted.

    Raises:
        GanstyleError: see `optimize`; or the process was killed.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    # Pickled here: multiprocessing would put tensors into memory that both processes share and that counts.
    process = context.Process(target=_child, args=(pickle.dumps((setup, trial)), folder, theirs))
    process.start()
    theirs.close()
    try:
        result = ours.recv()
        process.join()
    except EOFError:
        process.join()
        raise GanstyleError(_death(trial, process.exitcode)) from None
    finally:
        if process.is_alive():
            process.terminate()
            process.join()
        ours.close()
    if isinstance(result, GanstyleError):
        raise result
    if not isinstance(result, TrialResult):
        raise TypeError(f"a trial's process sent {result!r}")
    return result


def _load(optimizer: str) -> None:
    """Have an optimizer import what it needs: neither its time nor its memory is the method's."""
    if optimizer in OPTIMIZERS:  # `optimize` reports an unknown name
        problem = Problem(lambda x: x.square().sum(), grid=(3, 2, 2))
        make_optimizer(optimizer, problem, torch.ones(12), options={}, seed=0).step()


def _warm_up(features: FeatureNetwork, content: Tensor) -> None:
    """Do a first pass, which pays for choosing kernels, so that no optimizer is charged for it."""
    leaf = content.clone().requires_grad_()
    loss = torch.stack([feature_map.square().mean() for feature_map in features(leaf).values()]).sum()
    torch.autograd.grad(loss, leaf)


def _child(payload: bytes, folder: Path, connection: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches both processes; the other one decides
    setup, trial = pickle.loads(payload)
    torch.set_num_threads(setup.threads)
    try:
        connection.send(run_trial(setup, trial, folder))
    except GanstyleError as error:
        connection.send(error)


def _death(trial: Trial, exit_code: int | None) -> str:
    if exit_code == -9:  # SIGKILL, which Windows does not name
        return (
            f"{trial.optimizer}: its process was killed, most likely for lack of memory; "
            "give a smaller --size, or leave the optimizer out"
        )
    return f"{trial.optimizer}: its process ended with exit code {exit_code}; its own message is above"
