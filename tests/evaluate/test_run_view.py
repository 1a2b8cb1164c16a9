import json
import os
from pathlib import Path

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from ganstyle.evaluate.run_view import find_runs, read_run, run_fingerprint
from ganstyle.images import write_image


def write_run(run: Path, steps: int) -> None:
    with SummaryWriter(str(run / "tensorboard")) as writer:
        for step in range(1, steps + 1):
            writer.add_scalar("loss/content", 1 / step, step)
            writer.add_scalar("loss/style", 2 / step, step)
            writer.add_scalar("learning_rate", 0.001, step)
            writer.add_scalar("score/style", 0.5, step)
    write_image(torch.zeros(3, 4, 4), run / "samples" / "step-000001.jpg")
    write_image(torch.zeros(3, 4, 4), run / "samples" / "step-000010.jpg")
    lines = [{"step": 0, "style": 0.7}, {"step": steps, "style": 0.5}]
    (run / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_read_run(tmp_path: Path) -> None:
    write_run(tmp_path, 5)
    found = read_run(tmp_path)
    assert found.step == 5
    assert 0 <= found.age < 60
    titles = {group.title: list(group.curves) for group in found.groups}
    assert titles == {
        "Losses": ["content", "style"],
        "Scores on validation photos": ["style"],
        "Learning rate": ["learning rate"],
    }
    losses = found.groups[0].curves["content"]
    assert [point[0] for point in losses] == [1, 2, 3, 4, 5]
    assert [point[1] for point in losses] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert found.sample == tmp_path / "samples" / "step-000010.jpg"
    assert [line["step"] for line in found.scores] == [0, 5]
    assert found.best is None


def test_read_run_without_logs(tmp_path: Path) -> None:
    (tmp_path / "tensorboard").mkdir()
    found = read_run(tmp_path)
    assert (found.step, found.groups, found.sample, found.scores) == (0, [], None, [])


def test_fingerprint_changes_with_new_logs(tmp_path: Path) -> None:
    write_run(tmp_path, 2)
    before = run_fingerprint(tmp_path)
    assert run_fingerprint(tmp_path) == before
    (tmp_path / "scores.jsonl").write_text("")
    assert run_fingerprint(tmp_path) != before


def test_read_run_with_damaged_scores(tmp_path: Path) -> None:
    write_run(tmp_path, 1)
    (tmp_path / "scores.jsonl").write_text("{")
    with pytest.raises(ValueError, match="Expecting"):
        read_run(tmp_path)


def test_find_runs_newest_first(tmp_path: Path) -> None:
    assert find_runs(tmp_path / "none") == {}
    for age, name in enumerate(("new", "old")):
        file = tmp_path / name / "scores.jsonl"
        file.parent.mkdir()
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))
    (tmp_path / "no run").mkdir()
    assert list(find_runs(tmp_path)) == ["new", "old"]


def test_files_removed_while_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A training prunes its samples, and a user its runs, while the page looks."""
    write_run(tmp_path / "run", 2)
    write_run(tmp_path / "other", 2)
    pruned = tmp_path / "run" / "samples" / "step-000001.jpg"
    look = Path.stat

    def stat(self: Path, **keywords: bool) -> os.stat_result:
        if self == pruned:
            pruned.unlink(missing_ok=True)
        if self.parent == tmp_path / "other" or self.parent.parent == tmp_path / "other":
            raise FileNotFoundError(self)
        return look(self, **keywords)

    monkeypatch.setattr(Path, "stat", stat)
    assert list(find_runs(tmp_path)) == ["run"]
    assert pruned.name not in [name for name, *_ in run_fingerprint(tmp_path / "run")]
    assert read_run(tmp_path / "run").step == 2


def test_find_runs_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert find_runs(tmp_path / "file") == {}
