"""A small problem to optimize, and comparisons with made-up numbers for what only counts and draws."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.gatys import GatysSettings, OptimizationEvent, optimize
from ganstyle.gatys.benchmark.comparison import BenchmarkRun, OptimizerComparison, Sample
from ganstyle.gatys.benchmark.trial import BenchmarkSetup, Budget
from ganstyle.weights import WeightsFile

LAYERS: dict[str, Any] = {"content_layers": {"two": 1.0}, "style_layers": {"one": 1.0, "two": 1.0}}

SETTINGS = {it.name for it in fields(GatysSettings)}


class ToyNetwork:
    """Two layers of random filters, which count their passes and note the sizes they saw."""

    minimum = 4

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weights = [torch.randn(6, n, 3, 3, generator=generator) / math.sqrt(4.5 * n) for n in (3, 6)]
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        self.sizes.append((x.shape[-2], x.shape[-1]))
        one = torch.nn.functional.conv2d(x - 0.3, self.weights[0], padding=1).relu()
        two = torch.nn.functional.conv2d(torch.nn.functional.avg_pool2d(one, 2), self.weights[1], padding=1)
        return {"one": one, "two": two.relu()}


def smooth(seed: int, height: int = 24, width: int = 32) -> Tensor:
    corners = torch.rand(1, 3, 3, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(corners, (height, width), mode="bilinear")


def stripes(height: int = 30, width: int = 40) -> Tensor:
    wave = (torch.arange(width).div(3, rounding_mode="floor") % 2).float()
    return wave * torch.tensor([0.9, 0.6, 0.1]).view(1, 3, 1, 1) * torch.ones(1, 3, height, width)


def paint(content: Tensor | None = None, style: Any = None, *, texture: bool = False, **options: Any) -> Any:
    photo = None if texture else smooth(1) if content is None else content
    options = {"features": ToyNetwork(), "steps": 10, **LAYERS, **options}
    given = {name: options.pop(name) for name in SETTINGS & options.keys()}
    styles = stripes() if style is None else style
    return optimize(photo, styles, settings=GatysSettings(**given), **options)


def collector() -> tuple[list[OptimizationEvent], Callable[[OptimizationEvent], None]]:
    events: list[OptimizationEvent] = []
    return events, events.append


@pytest.fixture
def toy() -> SimpleNamespace:
    """Return the small problem: a network, a photo, a painting, and a function that optimizes."""
    return SimpleNamespace(
        Network=ToyNetwork, smooth=smooth, stripes=stripes, paint=paint, collector=collector
    )


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
