"""What stylizing would do: as the real thing does it."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganstyle.composed import ComposedStyle
from ganstyle.stylize import (
    Controls,
    FileEvent,
    Layer,
    LayeredGenerator,
    make_region,
    plan_outputs,
    stylize_plan,
)
from ganstyle.stylize.forecast import StylizeForecast, forecast_stylize
from ganstyle.stylize.large import LARGE
from ganstyle.stylize.scale.settings import PaintSettings

WIDE = torch.ones(1, 1, 20, 40)


class Invert(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


def painter(region: Tensor | None = None) -> ComposedStyle:
    masked = None if region is None else make_region(region, name="sky.png")
    return ComposedStyle("negative", LayeredGenerator([Layer(Invert(), 384, region=masked)]))


@pytest.fixture
def forecast(tmp_path: Path) -> Callable[..., StylizeForecast]:
    def look(*sizes: tuple[int, int], region: Tensor | None = None, **settings: object) -> StylizeForecast:
        (tmp_path / "in").mkdir(exist_ok=True)
        for size in sizes:
            Image.new("1", size).save(tmp_path / "in" / f"{size[0]}.png")
        plan = plan_outputs([tmp_path / "in"], tmp_path / "out")
        return forecast_stylize(painter(region), plan, PaintSettings(**settings))  # type: ignore[arg-type]

    return look


@pytest.mark.parametrize(
    ("settings", "region"),
    [
        ({"controls": Controls(mask=WIDE)}, None),
        ({}, WIDE),
        ({"max_pixels": 900}, None),
        ({"controls": Controls(mask=WIDE), "max_side": 10}, None),
    ],
    ids=["mask", "region", "limit", "reduced"],
)
def test_forecast_photos_that_would_fail(
    forecast: Callable[..., StylizeForecast],
    tmp_path: Path,
    settings: dict[str, object],
    region: Tensor | None,
) -> None:
    files = forecast((30, 40), (40, 20), region=region, **settings).files
    events: list[FileEvent] = []
    plan = [file.file for file in files]
    stylize_plan(painter(region).generator, plan, on_event=events.append, **settings)  # type: ignore[arg-type]
    assert [event.status for event in events] == ["failed", "done"]
    assert [(file.status, file.message) for file in files] == [(e.status, e.message) for e in events]
    assert events[0].message.startswith(f"{tmp_path / 'in' / '30.png'}: ")


def test_forecast_memory_of_a_photo_painted_in_parts(
    forecast: Callable[..., StylizeForecast], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the difference, what is measured, the generator's maps, is no part: both have tiles of one size."""
    pytest.importorskip("pyvips", reason="the extra large is not installed")
    monkeypatch.setattr(
        "ganstyle.stylize.forecast.PeakMemory", lambda device: nullcontext(SimpleNamespace(bytes=0))
    )
    in_parts, at_once = forecast((9000, 9000)), forecast((9000, 9000), max_side=9000)
    saved = 8 * 12 * (81_000_000 - LARGE)
    assert at_once.memory_bytes - in_parts.memory_bytes == pytest.approx(saved, rel=0.1)
