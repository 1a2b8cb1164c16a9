import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ganstyle.errors import DataError, GanstyleError
from ganstyle.evaluate import EvaluationModels, StyleScore, choose_photos, rank, rank_folder
from ganstyle.evaluate.ranking import find_styles, markdown
from ganstyle.metrics.protocol import describe
from ganstyle.models import VGG16Student
from ganstyle.weights.student import save_student

MakeStyle = Callable[..., Path]


def score(name: str, against: str = "x.jpg at 9 px", **scores: float) -> StyleScore:
    how = {"n": 2, "size": 9, "resize": "so", "seed": None, "against": against}
    protocol = dict.fromkeys(("content", "style", "ssim"), how)
    return StyleScore(name, scores, protocol, 0.1234, {"training": {"seconds": 300}} if name == "a" else {})


def test_ranked_by_a_score() -> None:
    a, b, c = score("a", style=0.3, ssim=0.1), score("b", style=0.1, ssim=0.2), score("c", ssim=0.9)
    assert [s.name for s in rank([a, b, c])] == ["b", "a", "c"]  # without the score: last
    assert [s.name for s in rank([c, a, b], "ssim")] == ["c", "b", "a"]
    assert [s.name for s in rank([a, c], "style")] == ["a", "c"]


def test_the_table() -> None:
    table = markdown(
        [score("a", content=1.0, style=0.25), score("b|c", "y.jpg at 9 px", content=0.5, style=0.5)]
    )
    assert table.splitlines() == [
        "|  | style | content | style | s/image | training |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
        "| 1 | a | 1 | 0.25 | 0.123 | 5 min |",
        "| 2 | b\\|c | 0.5 | 0.5 | 0.123 |  |",
        "",
        "- content: n = 2; 9 px; against each style's own painting; resize: so",
        "- style: n = 2; 9 px; against each style's own painting; resize: so",
    ]


def test_a_protocol_in_a_line() -> None:
    how = {"n": 3, "size": 8, "against": "z", "resize": "r", "extractor": "E", "sha256": "ab" * 32}
    assert describe({**how, "seed": 1, "warning": "few"}) == (
        "n = 3; 8 px; against z; E (SHA-256 abababababababab…); resize: r; seed 1; few"
    )


def test_a_folder_of_styles(
    make_style: MakeStyle, instruments: EvaluationModels, photos: Path, tmp_path: Path
) -> None:
    first, second = make_style("first"), make_style("the-second")
    folder = tmp_path / "all"
    (folder / "more").mkdir(parents=True)
    shutil.copy(first, folder / "more" / "style.safetensors")
    shutil.copy(second, folder)
    save_student(folder / "vgg.safetensors", VGG16Student(), {})  # no style: passed over
    save_file({"x": torch.zeros(1)}, folder / "other.safetensors")
    ticks: list[tuple[str, int]] = []
    with pytest.warns(UserWarning, match=r"left out: .*other\.safetensors: not a ganstyle style"):
        ranked = rank_folder(
            folder,
            choose_photos(photos),
            instruments,
            size=24,
            on_event=lambda name, event: ticks.append((name, event.index)),
        )
    assert {s.name for s in ranked} == {"more/style", "the-second"}
    assert ranked[0].scores["style"] <= ranked[1].scores["style"]
    assert ticks[:4] == [("more/style", 1), ("more/style", 2), ("more/style", 3), ("the-second", 1)]


def test_what_cannot_be_ranked(
    make_style: MakeStyle, instruments: EvaluationModels, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no such folder"):
        find_styles(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no styles"):
        find_styles(tmp_path / "empty")
    folder = make_style().parent
    with pytest.raises(GanstyleError, match="no score 'beauty'; choose from content, style, mse, ssim, fid_"):
        rank_folder(folder, choose_photos(photos), instruments, size=24, by="beauty")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.safetensors").write_bytes(b"nonsense")
    with (
        pytest.warns(UserWarning, match="left out"),
        pytest.raises(GanstyleError, match="none of its styles could be scored"),
    ):
        rank_folder(tmp_path / "bad", choose_photos(photos), instruments, size=24)
