"""Comparisons with made-up numbers, for everything that only counts and draws."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch

from ganstyle.gatys import GatysSettings
from ganstyle.gatys.benchmark.comparison import BenchmarkRun, OptimizerComparison, Sample
from ganstyle.gatys.benchmark.trial import BenchmarkSetup, Budget
from ganstyle.weights import WeightsFile

Curve = Sequence[tuple[float, float]]
Curves = Mapping[str, Sequence[Curve]]
MadeUp = Callable[..., OptimizerComparison]

SECONDS, EVALUATIONS = Budget("seconds", 60.0), Budget("evaluations", 200.0)


@pytest.fixture
def made_up() -> MadeUp:
    """Return a comparison from curves: optimizer → for each seed (fraction of the budget, loss)."""

    def make(
        by_seconds: Curves,
        by_evaluations: Curves | None = None,
        *,
        memory: Mapping[str, int] | None = None,
        notes: Sequence[str] = (),
    ) -> OptimizerComparison:
        image = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))
        runs = []
        for budget, curves in ((SECONDS, by_seconds), (EVALUATIONS, by_evaluations or by_seconds)):
            for name, seeds in curves.items():
                for seed, curve in enumerate(seeds):
                    samples = [Sample(60.0 * at, 200.0 * at, loss) for at, loss in curve]
                    runs.append(
                        BenchmarkRun(
                            optimizer=name,
                            budget=budget,
                            seed=seed,
                            samples=samples,
                            loss=samples[-1].loss,
                            terms={"content": 0.25, "style": 0.0125, "tv": 0.0625},
                            steps=190,
                            evaluations=samples[-1].evaluations,
                            seconds=samples[-1].seconds,
                            peak_memory_bytes=(memory or {}).get(name, 100) * 2**20,
                            notes=notes,
                            image=image,
                        )
                    )
        setup = BenchmarkSetup(
            content=image,
            styles=[image],
            settings=GatysSettings(),
            vgg=WeightsFile("VGG-16 (made up)", Path("vgg.pth"), "0123456789abcdef" * 4, "test"),
            dtype=torch.float32,
            device=torch.device("cpu"),
            threads=1,
        )
        repeated = [name for name, seeds in by_seconds.items() if len(seeds) > 1]
        most = max(len(seeds) for seeds in by_seconds.values())
        return OptimizerComparison(setup, "content", (SECONDS, EVALUATIONS), most, repeated, runs)

    return make
