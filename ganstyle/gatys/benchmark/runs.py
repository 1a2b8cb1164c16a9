"""What a comparison of optimizers found: its runs, as they were judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.trial import Setup


@dataclass(frozen=True)
class Sample:
    """What was in hand at a moment: seconds and evaluations so far, and the judged loss."""

    seconds: float
    evaluations: float
    loss: float


@dataclass(frozen=True)
class Run:
    """One run of one optimizer, judged.

    Attributes:
        optimizer: its name.
        budget: what it could spend.
        seed: of its random numbers, and of the start if that is noise.
        samples: from the start to the result, in the order of time.
        loss: of the result.
        terms: of the result, before weighting: content, style, tv.
        steps: done.
        evaluations: of the network.
        seconds: taken.
        peak_memory: in bytes, see `Outcome`.
        notes: what the optimizer had to tell.
        image: the result, (1, 3, H, W) in [0, 1], on the CPU.
    """

    optimizer: str
    budget: Budget
    seed: int
    samples: Sequence[Sample]
    loss: float
    terms: Mapping[str, float]
    steps: int
    evaluations: float
    seconds: float
    peak_memory: int
    notes: Sequence[str]
    image: Tensor


@dataclass(frozen=True)
class Comparison:
    """All runs, and what they had in common.

    Attributes:
        setup: what was given.
        start: "content", "noise" or "picture".
        budgets: one by seconds, one by evaluations.
        seeds: how many runs those optimizers had that depend on random numbers.
        repeated: the optimizers that ran once per seed; the others ran once.
        runs: one after the other.
    """

    setup: Setup
    start: str
    budgets: Sequence[Budget]
    seeds: int
    repeated: Sequence[str]
    runs: Sequence[Run]
