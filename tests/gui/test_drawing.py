import json
from pathlib import Path

import pytest

import ganstyle.gui.drawing
from ganstyle.evaluate.run_view import RunView
from ganstyle.gui.drawing import DrawnRun, RunDrawings, draw_run


class Clock:
    """Seconds that pass only while something is drawn."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()

    def slow(run: RunView, version: object) -> DrawnRun:
        clock.now += 2
        return draw_run(run, version)

    monkeypatch.setattr(ganstyle.gui.drawing, "draw_run", slow)
    return clock


def score(run: Path, step: int) -> None:
    with (run / "scores.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, "style": 0.5}) + "\n")


def test_run_charts_are_cached_for_all_visitors(tmp_path: Path, clock: Clock) -> None:
    score(tmp_path, 1)
    drawings = RunDrawings(clock)
    assert drawings.latest(tmp_path) is drawings.latest(tmp_path)
    assert clock.now == 2


def test_drawing_takes_at_most_a_fifth_of_the_time(tmp_path: Path, clock: Clock) -> None:
    score(tmp_path, 1)
    drawings = RunDrawings(clock)
    first = drawings.latest(tmp_path)
    assert "Step 1," in first.status
    score(tmp_path, 2)
    clock.now += 7
    assert drawings.latest(tmp_path) is first
    clock.now += 1
    second = drawings.latest(tmp_path)
    assert second.version != first.version
    assert "Step 2," in second.status


def test_damaged_run_is_read_again(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "scores.jsonl").write_text("{")
    drawings = RunDrawings(clock)
    with pytest.raises(ValueError, match="Expecting"):
        drawings.latest(tmp_path)
    (tmp_path / "scores.jsonl").write_text("")
    score(tmp_path, 3)
    assert "Step 3," in drawings.latest(tmp_path).status


def test_chart_cache_is_bounded(tmp_path: Path, clock: Clock) -> None:
    drawings = RunDrawings(clock)
    for number in range(6):
        (tmp_path / str(number)).mkdir()
        score(tmp_path / str(number), number)
        drawings.latest(tmp_path / str(number))
    assert clock.now == 12
    drawings.latest(tmp_path / "5")
    assert clock.now == 12
    drawings.latest(tmp_path / "0")
    assert clock.now == 14
