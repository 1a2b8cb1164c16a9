"""One optimizer under one budget, in a process of its own, and what it had in hand at set moments.

A fresh process each makes peak memory honest: none inherits what another one left in the allocator.
"""

import multiprocessing
import pickle
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys.benchmark.memory import PeakMemory
from ganstyle.gatys.benchmark.snapshots import Budget, Snapshot, Snapshots
from ganstyle.gatys.optimize import LAYERS, optimize
from ganstyle.gatys.optimizers import OPTIMIZERS, Problem
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

_NO_LIMIT = 10**9  # steps: the budget is what ends a trial


@dataclass(frozen=True)
class Setup:
    """What is the same for all trials of a comparison.

    Attributes:
        content: the photo, (1, 3, H, W) in [0, 1], at the size that is worked at.
        styles: the paintings, each (1, 3, H, W) in [0, 1].
        content_weight: of the content term.
        style_weight: of the style term.
        tv_weight: of the total variation.
        vgg: the network's file.
        dtype: what the network computes in while it is optimized against.
        device: where.
        threads: of PyTorch on the processor.
    """

    content: Tensor
    styles: Sequence[Tensor]
    content_weight: float
    style_weight: float
    tv_weight: float
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
class Outcome:
    """What a trial came to.

    Attributes:
        snapshots: in the order of time; the last one is the result.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory: bytes above those of an interpreter with PyTorch and the optimizer's own imports loaded,
            the network included; on a CUDA device, bytes allocated there.
        notes: what the optimizer had to tell.
    """

    snapshots: Sequence[Snapshot]
    steps: int
    evaluations: float
    seconds: float
    peak_memory: int
    notes: Sequence[str]


def run_trial(setup: Setup, trial: Trial, folder: Path) -> Outcome:
    """Run a trial in this process.

    Args:
        setup: what all trials share.
        trial: what this one does.
        folder: an empty one, for the snapshots.

    Raises:
        GanstyleError: see `optimize`.
    """
    budget = trial.budget
    snapshots = Snapshots(folder, budget)
    _load(trial.optimizer)
    with PeakMemory(setup.device) as memory:
        features = load_vgg16(setup.vgg, LAYERS, dtype=setup.dtype).to(setup.device)
        content = setup.content.to(setup.device)
        _warm_up(features, content)
        result = optimize(
            content,
            [style.to(setup.device) for style in setup.styles],
            features=features,
            optimizer=trial.optimizer,
            steps=_NO_LIMIT,
            start=trial.start.to(setup.device),
            scales="single",  # a pass at a smaller size would cost less, and evaluations would not compare
            content_weight=setup.content_weight,
            style_weight=setup.style_weight,
            tv_weight=setup.tv_weight,
            seed=trial.seed,
            callback=snapshots,
            seconds=budget.amount if budget.unit == "seconds" else None,
            max_evaluations=budget.amount if budget.unit == "evaluations" else None,
        )
    snapshots.finish(result.image, result.seconds, result.evaluations)
    return Outcome(
        snapshots.kept, result.steps, result.evaluations, result.seconds, memory.bytes, snapshots.notes
    )


def run_apart(setup: Setup, trial: Trial, folder: Path) -> Outcome:
    """Run a trial in a process of its own, which ends with it, also when this one is interrupted.

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
        outcome = ours.recv()
        process.join()
    except EOFError:
        process.join()
        raise GanstyleError(_death(trial, process.exitcode)) from None
    finally:
        if process.is_alive():
            process.terminate()
            process.join()
        ours.close()
    if isinstance(outcome, GanstyleError):
        raise outcome
    if not isinstance(outcome, Outcome):
        raise TypeError(f"a trial's process sent {outcome!r}")
    return outcome


def _load(optimizer: str) -> None:
    """Have an optimizer import what it needs: neither its time nor its memory is the method's."""
    if optimizer in OPTIMIZERS:  # `optimize` tells of a name that is not
        problem = Problem(lambda x: x.square().sum(), grid=(3, 2, 2))
        OPTIMIZERS[optimizer](problem, torch.ones(12)).step()


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
            "choose a smaller size, or leave the optimizer out"
        )
    return f"{trial.optimizer}: its process ended with exit code {exit_code}; its own message is above"
