import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ganstyle import evaluate
from ganstyle.cli import app
from ganstyle.errors import GanstyleError
from ganstyle.files import sha256
from ganstyle.recipe import ScoreSection
from ganstyle.style import load_style, save_style

MakeStyle = Callable[..., Path]


pytestmark = pytest.mark.usefixtures("random_vgg16", "small_fid")


def invoke(*arguments: object) -> Any:
    return CliRunner().invoke(
        app, ["evaluate", "--inception", "off", "--device", "cpu", *map(str, arguments)]
    )


def test_evaluate_one_style(make_style: MakeStyle, photos: Path, vgg16_weights: Path, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    result = invoke("-s", make_style(), "--content", photos, "--size", 24, "--json", file)
    assert result.exit_code == 0, result.output
    record = json.loads(file.read_text())
    assert record["vgg"]["sha256"] == sha256(vgg16_weights)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["content", f"{record['content']:.5g}"]
    assert lines[1].split() == ["style", f"{record['style']:.5g}"]
    assert lines[2].split() == ["style_coarse", f"{record['style_coarse']:.5g}"]
    assert [line.split()[0] for line in lines[5:9]] == [
        *("fid_vgg16_style", "kid_vgg16_style", "fid_vgg16_content", "kid_vgg16_content")
    ]
    assert any(line.startswith("content: n = 3; 24 px; against the photos; VGG-16") for line in lines)
    assert any("FID of 6 images, under 2,048, is biased" in line for line in lines)


def test_evaluate_size_equals_that_of_training_scores(
    make_style: MakeStyle, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, Any] = {}

    def spy(models: Any, photos: Any, style: Any, **options: Any) -> Any:
        seen.update(options, photos=len(photos))
        raise GanstyleError("seen")

    monkeypatch.setattr(evaluate, "style_evaluator", spy)
    assert invoke("-s", make_style(), "--content", photos).exit_code == 2
    assert (seen["size"], seen["photos"]) == (ScoreSection().size, 3)


def test_evaluate_stores_features(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    folder = tmp_path / "statistics"
    arguments = ("-s", make_style(), "--content", photos, "--size", 24, "--statistics", folder)
    first = invoke(*arguments, "--json", tmp_path / "a.json")
    assert first.exit_code == 0, first.output
    assert {path.name for path in folder.iterdir()} == {"photos.npz", "painting.npz"}
    assert invoke(*arguments, "--json", tmp_path / "b.json").exit_code == 0
    a, b = (json.loads((tmp_path / name).read_text()) for name in ("a.json", "b.json"))
    assert a | {"seconds_per_image": 0} == b | {"seconds_per_image": 0}


def test_evaluate_folder_of_styles(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    folder = make_style("one").parent
    make_style("another")
    file = tmp_path / "ranking.json"
    arguments = ("--all", folder, "--content", photos, "--count", 2, "--size", 24)
    result = invoke(*arguments, "--rank-by", "ssim", "--json", file)
    assert result.exit_code == 0, result.output
    records = json.loads(file.read_text())
    assert {record["name"] for record in records} == {"one", "another"}
    assert records[0]["ssim"] >= records[1]["ssim"]
    table = [line for line in result.stdout.splitlines() if line.startswith("|")]
    assert table[0].startswith("|  | style | content | style | style_coarse | mse | ssim | fid_vgg16_style |")
    assert table[2].startswith(f"| 1 | {records[0]['name']} | ")


def test_evaluate_bad_usage_is_one_line(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    style = make_style()
    file = tmp_path / "scores.json"
    (tmp_path / "empty").mkdir()
    folder = tmp_path / "styles"
    folder.mkdir()
    (folder / "night.safetensors").write_bytes(style.read_bytes())
    blind = make_style("blind", style={"path": "nowhere.jpg"}, info={})
    for arguments, message in (
        (("--content", photos), "give a style with -s, or a folder of styles with --all"),
        (("-s", style, "--all", tmp_path, "--content", photos), "or a folder"),
        (("--all", tmp_path, "--painting", "x.png", "--content", photos), "--painting is one style's"),
        (("-s", style, "--rank-by", "style", "--content", photos), "--rank-by orders several styles"),
        (("-s", "none", "--content", photos), "neither a file nor a shipped style"),
        (("-s", style, "--content", tmp_path / "none"), "no such folder"),
        (("-s", style, "--content", tmp_path / "empty"), "holds no image files"),
        (("-s", style, "--content", photos, "--size", 8), "at least 16 pixels"),
        (("-s", style, "--content", photos, "--count", 0), "at least 1"),
        (("-s", style, "--content", photos, "--painting", "none.png"), "none.png"),
        (("-s", blind, "--content", photos, "--size", 24), "Gram matrices were made by an unknown network"),
        (("--all", tmp_path / "empty", "--content", photos), "holds no styles"),
        (
            ("--all", folder, "--content", photos, "--rank-by", "beauty", "--size", 24),
            "no score 'beauty'",
        ),
    ):
        result = invoke(*arguments, "--json", file)
        assert result.exit_code == 2, (arguments, result.output)
        (line,) = result.stderr.splitlines()
        assert message in line, (arguments, line)
        assert not file.exists()


@pytest.fixture
def broken_photos(photos: Path, tmp_path: Path) -> Path:
    """Two good photos, one that breaks off and one without a good header."""
    folder = tmp_path / "broken"
    folder.mkdir()
    content = (photos / "a.png").read_bytes()
    for name in ("a", "b"):
        (folder / f"{name}.png").write_bytes(content)
    (folder / "half.png").write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("no picture")
    return folder


def test_unreadable_photos_are_reported_with_exit_code_1(
    make_style: MakeStyle, broken_photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "scores.json"
    for choice in (("-s", make_style()), ("--all", make_style().parent)):
        result = invoke(*choice, "--content", broken_photos, "--size", 24, "--json", file)
        assert result.exit_code == 1, result.output
        assert [line.partition(": ")[2][:9] for line in result.stderr.splitlines()] == ["skipped: "] * 2
        assert "half.png" in result.stderr
        assert "text.jpg" in result.stderr
        record = json.loads(file.read_text())
        record = record[0] if isinstance(record, list) else record
        assert record["protocol"]["content"]["n"] == 2
        file.unlink()


def test_nan_style_is_reported_with_exit_code_1(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    folder = make_style("sound").parent
    style = load_style(make_style("broken"))
    for parameter in style.generator.parameters():
        parameter.fill_(float("nan"))
    save_style(folder / "broken.safetensors", style.generator, style.recipe, style.target, style.info)
    file = tmp_path / "ranking.json"
    result = invoke("--all", folder, "--content", photos, "--size", 24, "--json", file)
    assert result.exit_code == 1, result.output
    assert "| 1 | sound |" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("ganstyle: skipped: broken: ")
    assert "not finite" in line
    assert [record["name"] for record in json.loads(file.read_text())] == ["sound"]
    alone = invoke("-s", folder / "broken.safetensors", "--content", photos, "--size", 24)
    assert alone.exit_code == 2
    assert "broken.safetensors: " in alone.stderr
    assert "not finite" in alone.stderr


@pytest.mark.parametrize("where", ["paint", "measure", "load"])
def test_evaluate_out_of_memory_is_one_line(
    make_style: MakeStyle, photos: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory")

    target = {
        "paint": "ganstyle.style.Style.paint",
        "measure": "ganstyle.metrics.similarity.yardstick.Yardstick.measure",
        "load": "ganstyle.evaluate.models.load_vgg16",
    }[where]
    monkeypatch.setattr(target, fail)
    result = invoke("-s", make_style(), "--content", photos, "--size", 24)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "there is not enough memory" in line
    assert ("--device" if where == "load" else "--size") in line


def test_missing_judge_is_explained(make_style: MakeStyle, photos: Path, tmp_path: Path) -> None:
    file = tmp_path / "scores.json"
    result = invoke("-s", make_style(), "--content", photos, "--size", 24, "--json", file)
    assert result.exit_code == 0
    assert "kept: not measured: the independent judge is not installed" in result.stdout
    assert json.loads(file.read_text())["not_measured"].keys() == {
        *("kept", "kid_efficientnet_style", "kid_efficientnet_content")
    }


def test_style_coarse_is_none_without_painting_and_octaves(
    make_style: MakeStyle, photos: Path, tmp_path: Path
) -> None:
    file = tmp_path / "scores.json"
    blind = make_style("blind", style={"path": "nowhere.jpg", "size": 24})
    result = invoke("-s", blind, "--content", photos, "--size", 24, "--json", file)
    assert result.exit_code == 0, result.output
    record = json.loads(file.read_text())
    assert record["style_coarse"] is None
    assert record["not_measured"]["style_coarse"].startswith("the painting is not available")
    assert "style_coarse: not measured: the painting is not available" in result.stdout
