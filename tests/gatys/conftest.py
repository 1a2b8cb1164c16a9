"""Comparisons with made-up numbers, for everything that only counts and draws."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
import torch

from ganstyle.gatys.benchmark.runs import Comparison, Run, Sample
from ganstyle.gatys.benchmark.snapshots import Budget
from ganstyle.gatys.benchmark.trial import Setup
from ganstyle.weights import WeightsFile

Curve = Sequence[tuple[float, float]]
Curves = Mapping[str, Sequence[Curve]]
MadeUp = Callable[..., Comparison]

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
    ) -> Comparison:
        image = torch.rand(1, 3, 12, 16, generator=torch.Generator().manual_seed(0))
        runs = []
        for budget, curves in ((SECONDS, by_seconds), (EVALUATIONS, by_evaluations or by_seconds)):
            for name, seeds in curves.items():
                for seed, curve in enumerate(seeds):
                    samples = [Sample(60.0 * at, 200.0 * at, loss) for at, loss in curve]
                    runs.append(
                        Run(
                            optimizer=name,
                            budget=budget,
                            seed=seed,
                            samples=samples,
                            loss=samples[-1].loss,
                            terms={"content": 0.25, "style": 0.0125, "tv": 0.0625},
                            steps=190,
                            evaluations=samples[-1].evaluations,
                            seconds=samples[-1].seconds,
                            peak_memory=(memory or {}).get(name, 100) * 2**20,
                            notes=notes,
                            image=image,
                        )
                    )
        setup = Setup(
            content=image,
            styles=[image],
            content_weight=1.0,
            style_weight=30.0,
            tv_weight=0.1,
            vgg=WeightsFile("VGG-16 (made up)", Path("vgg.pth"), "0123456789abcdef" * 4, "test"),
            dtype=torch.float32,
            device=torch.device("cpu"),
            threads=1,
        )
        repeated = [name for name, seeds in by_seconds.items() if len(seeds) > 1]
        most = max(len(seeds) for seeds in by_seconds.values())
        return Comparison(setup, "content", (SECONDS, EVALUATIONS), most, repeated, runs)

    return make
