import json
import math
from pathlib import Path
from typing import Any

import pytest

from ganstyle.runs.score_log import ScoreLog, best_step, comparison_hash


def lines(*styles: float, **scores: list[float]) -> list[dict[str, Any]]:
    return [
        {"step": step, "style": style, **{name: values[step] for name, values in scores.items()}}
        for step, style in enumerate(styles)
    ]


def test_step_0_is_never_the_best() -> None:
    assert best_step(lines(0.1, 0.5, 0.4), "style") == 2
    assert best_step(lines(0.1), "style") is None


@pytest.mark.parametrize("select", ["content", "mse", "fid_vgg16_content", "kid_vgg16_content"])
def test_barely_stylizing_generator_is_not_the_best(select: str) -> None:
    """The less it paints, the better its content; the first steps would always win."""
    history = lines(1.0, 0.9, 0.5, 0.3, 0.29, 0.31, **{select: [0.0, 0.01, 0.2, 0.3, 0.4, 0.28]})
    assert best_step(history, select) == 5
    assert best_step(history[:5], select) == 3
    assert best_step(history[:3], select) == 2


def test_ssim_counts_only_where_the_style_is_good() -> None:
    history = lines(1.0, 0.9, 0.3, 0.29, 0.5, ssim=[1.0, 0.99, 0.6, 0.5, 0.9])
    assert best_step(history, "ssim") == 2


def test_best_step_with_poor_style_is_replaced() -> None:
    history = lines(1.0, 0.9, 0.5, content=[0.0, 0.1, 0.4])
    assert best_step(history, "content") == 2


def test_weighted_and_style_compare_all_steps() -> None:
    history = lines(1.0, 0.5, 0.3, weighted=[0.1, 0.6, 0.7], kid_vgg16_style=[0, 0.3, 0.4])
    assert best_step(history, "weighted") == 1
    assert best_step(history, "kid_vgg16_style") == 1


@pytest.mark.parametrize("select", ["content", "style", "ssim"])
def test_non_finite_score_is_never_the_best(select: str, tmp_path: Path) -> None:
    log = ScoreLog(tmp_path / "scores.jsonl", select=select)
    first = {"step": 1, "style": 0.5, "content": 0.5, "ssim": 0.5}
    assert not log.is_best({**first, select: math.nan})
    log.record({**first, select: math.nan})
    assert log.is_best({**first, "step": 2})
    log.record({**first, "step": 2})
    assert not log.is_best({**first, "step": 3, select: math.inf if select == "ssim" else -math.inf})


def test_missing_score_is_never_the_best(tmp_path: Path) -> None:
    log = ScoreLog(tmp_path / "scores.jsonl", select="weighted")
    assert not log.is_best({"step": 1, "style": 0.5})


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_non_finite_scores_are_null(value: float, tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    ScoreLog(file, select="style").record({"step": 1, "style": value, "content": 0.5})
    (text,) = file.read_text().splitlines()

    def refuse(name: str) -> float:
        raise ValueError(name)

    assert json.loads(text, parse_constant=refuse) == {"step": 1, "style": None, "content": 0.5}


def test_log_with_bare_nan_is_read_and_repaired(tmp_path: Path) -> None:
    """Version 0.1.0 wrote them."""
    file = tmp_path / "scores.jsonl"
    file.write_text('{"step": 1, "style": NaN}\n{"step": 2, "style": 0.5}\n')
    log = ScoreLog(file, select="style")
    assert log.is_best({"step": 3, "style": 0.4})
    log.record({"step": 3, "style": 0.4})
    assert file.read_text().splitlines()[0] == '{"step": 1, "style": null}'


def test_lines_of_later_steps_are_dropped(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    log = ScoreLog(file, select="style")
    for step, style in ((1, 0.5), (2, 0.1), (3, 0.2)):
        log.record({"step": step, "style": style})
    assert log.is_best({"step": 2, "style": 0.4})  # an interrupted run's 0.1 does not count
    log.record({"step": 2, "style": 0.4})
    assert [json.loads(line) for line in file.read_text().splitlines()] == [
        {"step": 1, "style": 0.5},
        {"step": 2, "style": 0.4},
    ]


def test_scores_of_another_kind_do_not_compare() -> None:
    mine, other = comparison_hash({"select": "style"}), comparison_hash({"select": "mse"})
    assert mine == comparison_hash({"select": "style"}) != other
    history = lines(1.0, 0.1, 0.5, 0.4, 0.6)
    for line, kind in zip(history, (None, None, other, mine, mine), strict=True):
        if kind:
            line["comparable"] = kind
    assert best_step(history, "style") == 3
    assert best_step(history[:3], "style") == 2
    assert best_step(history[:2], "style") == 1


def test_best_step_whose_output_is_gone_does_not_count() -> None:
    history = lines(1.0, 0.1, 0.5, 0.4)
    assert best_step(history, "style", since=2) == 3
    assert best_step(history, "style", since=4) is None


def test_lines_after_a_step_are_cut(tmp_path: Path) -> None:
    file = tmp_path / "scores.jsonl"
    log = ScoreLog(file, select="style")
    log.cut(1)
    assert not file.exists()
    for line in lines(1.0, 0.5, 0.4):
        log.record(line)
    before = file.stat()
    log.cut(2)
    assert file.stat() == before
    log.cut(1)
    assert [json.loads(line)["step"] for line in file.read_text().splitlines()] == [0, 1]
