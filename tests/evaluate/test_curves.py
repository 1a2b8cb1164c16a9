import json
from pathlib import Path

import pytest
from torch.utils.tensorboard import SummaryWriter

from ganstyle.errors import RunError
from ganstyle.evaluate.curves import read_losses, read_scalars, read_scores, score_lines


def test_scores_over_minutes(tmp_path: Path) -> None:
    lines = [{"step": n, "seconds": 90.0 * n, "content": 1.0 + n, "style": 0.5, "more": 1} for n in range(3)]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_scores(tmp_path) == {
        "content": [(0.0, 1.0), (1.5, 2.0), (3.0, 3.0)],
        "style": [(0.0, 0.5), (1.5, 0.5), (3.0, 0.5)],
    }


def test_coarse_style_of_newer_runs_and_scores_that_were_not_finite(tmp_path: Path) -> None:
    lines = [
        {"step": 0, "seconds": 0.0, "content": 1.0, "style": 0.5},
        {"step": 1, "seconds": 60.0, "content": None, "style": 0.4, "style_coarse": 0.3},
    ]
    (tmp_path / "scores.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert read_scores(tmp_path) == {
        "content": [(0.0, 1.0)],
        "style": [(0.0, 0.5), (1.0, 0.4)],
        "style_coarse": [(1.0, 0.3)],
    }


def test_score_lines_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text('{"step": 0, "style": 1.5, "comparable": "1a2b"}\n')
    assert score_lines(tmp_path) == [{"step": 0, "style": 1.5}]


def test_score_lines_are_parsed(tmp_path: Path) -> None:
    (tmp_path / "scores.jsonl").write_text('{"step": 0, "style": 1.5}\n{"step": 5}\n')
    assert score_lines(tmp_path) == [{"step": 0, "style": 1.5}, {"step": 5}]
    with pytest.raises(FileNotFoundError):
        score_lines(tmp_path / "none")


@pytest.mark.parametrize("content", [None, "no json", '{"step": 1}\n', "[]\n"])
def test_run_without_scores_is_one_line(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "scores.jsonl").write_text(content)
    with pytest.raises(
        RunError, match=r"scores\.jsonl: no scores to draw \(.*\); give the folder of a run"
    ) as e:
        read_scores(tmp_path)
    assert "\n" not in str(e.value)


def test_losses_from_tensorboard(tmp_path: Path) -> None:
    assert read_losses(tmp_path) == {}
    with SummaryWriter(str(tmp_path / "tensorboard")) as writer:
        for step in range(4):
            writer.add_scalar("loss/style", 0.5 * step, step)
            writer.add_scalar("other", 1.0, step)
    assert read_losses(tmp_path) == {"style": [(0, 0.0), (1, 0.5), (2, 1.0), (3, 1.5)]}
    scalars = read_scalars(tmp_path)
    assert scalars == {"loss/style": read_losses(tmp_path)["style"], "other": [(n, 1.0) for n in range(4)]}
