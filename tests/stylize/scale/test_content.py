"""Finished work is known by its content: what has changed is done again, and nothing else."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganstyle.images import SavingOptions, read_image, write_image
from ganstyle.stylize import Controls, FileEvent, plan_outputs, stylize_plan
from ganstyle.stylize.scale.content import ContentRecord, hash_settings


class Gain(nn.Module):
    def __init__(self, gain: float = 0.5) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.tensor(gain), requires_grad=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.gain


Run = Callable[..., list[FileEvent]]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return a function that stylizes the folder ``in`` and returns the events."""
    for index in range(3):
        write_image(torch.full((3, 4, 6), 0.2 + index * 0.2), tmp_path / "in" / f"{index}.png")

    def stylize(gain: float = 0.5, *, overwrite: bool = False, **controls: Any) -> list[FileEvent]:
        generator, wanted, events = Gain(gain), Controls(**controls), list[FileEvent]()
        settings = hash_settings(generator, wanted, trained_side=384, max_side=None, saving=SavingOptions())
        stylize_plan(
            generator,
            plan_outputs([tmp_path / "in"], tmp_path / "out"),
            controls=wanted,
            overwrite=overwrite,
            content=ContentRecord(tmp_path / "out", settings),
            on_event=events.append,
        )
        return events

    return stylize


def statuses(events: list[FileEvent]) -> list[str]:
    return [event.status for event in events]


def test_only_changed_photos_are_redone(run: Run, tmp_path: Path) -> None:
    assert statuses(run()) == ["done"] * 3
    again = run()
    assert statuses(again) == ["skipped"] * 3
    assert again[0].message == f"{tmp_path / 'out' / '0.png'}: is up to date"
    write_image(torch.full((3, 4, 6), 0.9), tmp_path / "in" / "1.png")
    (tmp_path / "out" / "2.png").unlink()
    assert statuses(run()) == ["skipped", "done", "done"]
    assert read_image(tmp_path / "out" / "1.png").mean() == pytest.approx(0.45, abs=0.01)


def test_changed_style_or_setting_redoes_results(run: Run) -> None:
    run()
    assert statuses(run(0.25)) == ["done"] * 3
    assert statuses(run(0.25)) == ["skipped"] * 3
    assert statuses(run(0.25, strength=0.5)) == ["done"] * 3
    assert statuses(run(0.25, strength=0.5, mask=torch.ones(1, 1, 4, 6))) == ["done"] * 3
    assert statuses(run(0.25, strength=0.5, mask=torch.zeros(1, 1, 4, 6))) == ["done"] * 3


def test_touched_photo_is_not_redone(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "in" / "0.png").touch()
    (tmp_path / "in").rename(tmp_path / "moved")
    (tmp_path / "moved").rename(tmp_path / "in")
    assert statuses(run()) == ["skipped"] * 3


def test_foreign_results_need_force(run: Run, tmp_path: Path) -> None:
    write_image(torch.zeros(3, 4, 6), tmp_path / "out" / "0.png")
    events = run()
    assert statuses(events) == ["failed", "done", "done"]
    assert "nothing is recorded about it; use --force" in events[0].message
    write_image(torch.zeros(3, 4, 6), tmp_path / "out" / "1.png")  # touched up by hand
    events = run(0.25)
    assert statuses(events) == ["failed", "failed", "done"]
    assert "was changed since it was written; use --force" in events[1].message
    assert read_image(tmp_path / "out" / "1.png").max() == 0
    assert statuses(run(0.25, overwrite=True)) == ["done", "done", "skipped"]


def test_unrecorded_result_of_a_killed_run_is_redone(run: Run, tmp_path: Path) -> None:
    run()
    (record,) = (tmp_path / "out" / ".ganstyle").glob("content-*.jsonl")
    lines = record.read_text().splitlines()
    kept = [line for line in lines if "0.png" not in line or json.loads(line)["sha256"] is None]
    record.write_text("\n".join(kept) + '\n{"output": "2.png", "key": "cut o')
    assert statuses(run()) == ["done", "skipped", "skipped"]


def test_malformed_records_are_ignored(run: Run, tmp_path: Path) -> None:
    run()
    (tmp_path / "out" / ".ganstyle" / "content-0-x.jsonl").write_bytes(
        b'\xff\n[1]\n{"output": 1}\nnull\n"a"\n'
    )
    assert statuses(run()) == ["skipped"] * 3
