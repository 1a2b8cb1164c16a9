import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ganstyle.errors import DataError, GanstyleError
from ganstyle.evaluate import EvaluationModels, StyleScore, choose_photos, rank, rank_folder, style_evaluator
from ganstyle.evaluate import ranking as ranking_module
from ganstyle.evaluate import score as score_module
from ganstyle.evaluate.ranking import find_styles, markdown
from ganstyle.losses import StyleTarget
from ganstyle.metrics.protocol import describe_protocol
from ganstyle.models import VGG16Student
from ganstyle.style import Style, load_style, save_style
from ganstyle.weights.student import save_student

MakeStyle = Callable[..., Path]


def score(name: str, against: str = "x.jpg at 9 px", **scores: float) -> StyleScore:
    how = {"n": 2, "size": 9, "resize": "so", "seed": None, "against": against}
    protocol = dict.fromkeys(("content", "style", "ssim", *scores), how)
    return StyleScore(name, scores, protocol, 0.1234, {"training": {"seconds": 300}} if name == "a" else {})


def test_styles_are_ranked_by_a_score() -> None:
    a, b, c = score("a", style=0.3, ssim=0.1), score("b", style=0.1, ssim=0.2), score("c", ssim=0.9)
    assert [s.name for s in rank([a, b, c])] == ["b", "a", "c"]  # without the score: last
    assert [s.name for s in rank([c, a, b], "ssim")] == ["c", "b", "a"]
    assert [s.name for s in rank([a, c], "style")] == ["a", "c"]


def test_ranking_table() -> None:
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


def test_table_of_styles_with_different_scores() -> None:
    scores = [score("a", style=0.1), score("b", style=0.2, style_coarse=0.3)]
    for table in (markdown(scores), markdown(scores[::-1])):
        assert "| 0.1 | – |" in table
        assert "| 0.2 | 0.3 |" in table
        assert table.count("- style_coarse:") == 1


def test_protocol_is_described_in_one_line() -> None:
    how = {"n": 3, "size": 8, "against": "z", "resize": "r", "extractor": "E", "sha256": "ab" * 32}
    assert describe_protocol({**how, "seed": 1, "warning": "few"}) == (
        "n = 3; 8 px; against z; E (SHA-256 abababababababab…); resize: r; seed 1; few"
    )


def test_rank_folder_of_styles(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, tmp_path: Path
) -> None:
    first, second = make_style("first"), make_style("the-second")
    folder = tmp_path / "all"
    (folder / "more").mkdir(parents=True)
    shutil.copy(first, folder / "more" / "style.safetensors")
    shutil.copy(second, folder)
    save_student(folder / "vgg.safetensors", VGG16Student(), {})  # not a style: ignored
    save_file({"x": torch.zeros(1)}, folder / "other.safetensors")
    ticks: list[tuple[str, int]] = []
    ranking = rank_folder(
        folder,
        choose_photos(photos).photos,
        models,
        size=24,
        on_event=lambda name, event: ticks.append((name, event.index)),
    )
    assert list(ranking.failures) == ["other"]
    assert "not a ganstyle style" in ranking.failures["other"]
    ranked = ranking.scores
    assert {s.name for s in ranked} == {"more/style", "the-second"}
    assert ranked[0].scores["style"] <= ranked[1].scores["style"]
    assert ticks[:4] == [("more/style", 1), ("more/style", 2), ("more/style", 3), ("the-second", 1)]


def test_unrankable_inputs_are_refused(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="no such folder"):
        find_styles(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no styles"):
        find_styles(tmp_path / "empty")
    folder = make_style().parent
    with pytest.raises(
        GanstyleError, match="no score 'beauty'; choose from content, style, style_coarse, mse,"
    ):
        rank_folder(folder, choose_photos(photos).photos, models, size=24, by="beauty")
    with pytest.raises(GanstyleError, match="the score 'kept' is not measured: the independent judge"):
        rank_folder(folder, choose_photos(photos).photos, models, size=24, by="kept")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "x.safetensors").write_bytes(b"nonsense")
    with pytest.raises(GanstyleError, match="none of its 1 styles could be scored; the first: "):
        rank_folder(tmp_path / "bad", choose_photos(photos).photos, models, size=24)


def spoil(path: Path, value: float = float("nan"), prefix: str = "generator.") -> None:
    """Make the tensors of a style that begin with a prefix not finite."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
    for key in tensors:
        if key.startswith(prefix):
            tensors[key] = torch.full_like(tensors[key], value)
    save_file(tensors, path, metadata)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nan_style_is_reported_and_the_rest_ranked(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, value: float
) -> None:
    folder = make_style("sound").parent
    make_style("another")
    spoil(make_style("broken"), value)
    ranking = rank_folder(folder, choose_photos(photos).photos, models, size=24)
    assert {score.name for score in ranking.scores} == {"sound", "another"}
    assert list(ranking.failures) == ["broken"]
    assert "not finite" in ranking.failures["broken"]


def test_style_with_nan_gram_matrices_is_reported(
    make_style: MakeStyle, models: EvaluationModels, photos: Path
) -> None:
    folder = make_style("sound").parent
    spoil(make_style("blind", style={"path": "nowhere.jpg", "size": 24}), prefix="gram.")
    ranking = rank_folder(folder, choose_photos(photos).photos, models, size=24)
    assert [score.name for score in ranking.scores] == ["sound"]
    assert "gram.relu1_2 holds numbers that are not finite" in ranking.failures["blind"]


@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("first", ["a", "z"])
def test_style_without_its_painting_has_no_fid_style(
    make_style: MakeStyle,
    models: EvaluationModels,
    photos: Path,
    tmp_path: Path,
    first: str,
    stored: bool,
) -> None:
    """The painting of the style that is scored before or after it must not stand in."""
    folder = make_style("m").parent
    other = StyleTarget(({k: 2 * v for k, v in load_style(make_style("m")).target.grams.items()},))
    style = load_style(make_style(first, style={"path": "nowhere.jpg", "size": 24}))
    save_style(folder / f"{first}.safetensors", style.generator, style.recipe, other, style.info)
    statistics = tmp_path / "statistics" if stored else None
    for _ in range(2):
        ranking = rank_folder(folder, choose_photos(photos).photos, models, size=24, statistics=statistics)
        scores = {score.name: score for score in ranking.scores}
        assert scores["m"].scores["fid_vgg16_style"] > 0
        assert "fid_vgg16_style" not in scores[first].scores
        assert "fid_vgg16_style" not in scores[first].protocol
        assert scores[first].scores["fid_vgg16_content"] > 0


def test_painting_out_of_memory_is_reported(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_style("sound").parent
    make_style("large")
    prepare = style_evaluator

    def short_of_memory(models: Any, photos: Any, style: Style, **options: Any) -> Any:
        if style.name == "large":
            raise MemoryError
        return prepare(models, photos, style, **options)

    monkeypatch.setattr(ranking_module, "style_evaluator", short_of_memory)
    ranking = rank_folder(folder, choose_photos(photos).photos, models, size=24)
    assert [score.name for score in ranking.scores] == ["sound"]
    assert "large's painting: there is not enough memory; give a smaller --size" in ranking.failures["large"]


def test_style_out_of_memory_is_reported(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_style("sound").parent
    make_style("large")
    paint = score_module.paint_photo

    def short_of_memory(style: Style, photo: torch.Tensor) -> torch.Tensor:
        if style.name == "large":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return paint(style, photo)

    monkeypatch.setattr(score_module, "paint_photo", short_of_memory)
    ranking = rank_folder(folder, choose_photos(photos).photos, models, size=24)
    assert [score.name for score in ranking.scores] == ["sound"]
    assert "--size" in ranking.failures["large"]
