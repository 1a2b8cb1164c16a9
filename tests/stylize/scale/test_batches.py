"""Photos that are painted together look as if each had been painted alone."""

from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.images import read_image, write_image
from ganstyle.models import GENERATORS
from ganstyle.stylize import Controls, FileEvent, plan_outputs, stylize_plan
from ganstyle.stylize.scale.pipeline import Depth

HALF = torch.zeros(1, 1, 4, 6)
HALF[..., 3:] = 1


@pytest.mark.parametrize(
    "options", [{}, {"strength": 0.5}, {"preserve_color": True}, {"mask": HALF}, {"stroke_size": 2.0}]
)
def test_batch_equals_single(tmp_path: Path, options: dict[str, Any]) -> None:
    for index in range(6):
        size = (24, 36) if index != 4 else (20, 30)
        image = torch.rand(3, *size, generator=torch.Generator().manual_seed(index))
        write_image(image, tmp_path / "in" / f"{index}.png")
    torch.manual_seed(0)
    generator = GENERATORS["lean"](width=4, blocks=1, kernel=3).eval().requires_grad_(False)
    sizes: list[int] = []
    generator.register_forward_pre_hook(lambda module, inputs: sizes.append(len(inputs[0])))
    for name, depth in (("single", Depth()), ("batch", Depth(readers=6, batch=8, window=8))):
        events: list[FileEvent] = []
        stylize_plan(
            generator,
            plan_outputs([tmp_path / "in"], tmp_path / name),
            controls=Controls(**options),
            trained_side=24,
            depth=depth,
            on_event=events.append,
        )
        assert [(event.source.name, event.status) for event in events] == [
            (f"{index}.png", "done") for index in range(6)
        ]
    assert max(sizes) > 1
    for index in range(6):
        single, batch = (read_image(tmp_path / name / f"{index}.png") for name in ("single", "batch"))
        assert (single - batch).abs().max() < 1.1 / 255
