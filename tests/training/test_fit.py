"""Fitting a style to a painting within minutes."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.images import write_image
from ganstyle.recipe import Recipe
from ganstyle.runs.events import Event, Progress, Saved, Scored
from ganstyle.style import load_style, style_from
from ganstyle.training import budget
from ganstyle.training.fit import _best, fit, is_unfinished

PHOTO = torch.rand(1, 3, 40, 52, generator=torch.Generator().manual_seed(3))


@pytest.fixture(autouse=True)
def _small(
    any_painting: Path, tiny: Callable[..., dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Use a small generator and a small recipe, and let a fit of any length take one step."""
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    values = tiny(
        name="fit",
        vgg="distilled",
        run={"dir": str(tmp_path / "fits"), "save_every": 0, "log_every": 1, "samples": 1},
        score={"count": 1, "size": 32},
    )
    path = tmp_path / "fit.yaml"
    path.write_text(Recipe.parse(values, source="test").to_yaml())
    monkeypatch.setattr("ganstyle.training.fit.RECIPE", str(path))
    monkeypatch.setattr("ganstyle.training.budget.measure_step", lambda recipe, stopped: 1e9)
    monkeypatch.setattr(budget, "_speed_so_far", lambda recipe: 1e9)


@pytest.fixture
def result(tmp_path: Path) -> Path:
    return tmp_path / "mine.safetensors"


def run_of(folder: Path) -> Path:
    """Return the folder of the only run."""
    (found,) = folder.glob("*/painting")
    return found


def test_fit_with_zero_minutes_bakes(painting: Path, result: Path, tmp_path: Path) -> None:
    fitted = fit(painting, result, minutes=0)
    assert (fitted.path, fitted.steps, fitted.finished) == (result, 0, True)
    assert torch.equal(load_style(result)(PHOTO), style_from(painting)(PHOTO))
    assert not (tmp_path / "fits").exists()


@pytest.mark.parametrize("folder", [True, False])
def test_fit_trains_on_from_the_baked_style(
    painting: Path,
    photos: Path,
    result: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    folder: bool,
) -> None:
    events: list[Event] = []
    monkeypatch.setattr("ganstyle.training.fit._best", lambda recipe: recipe.folder / "style.safetensors")
    fitted = fit(painting, result, photos=photos if folder else None, minutes=0.01, on_event=events.append)
    assert fitted.finished
    assert fitted.steps == 1
    style = load_style(result)
    assert style.name == "painting"
    assert style.recipe.style.path == str(painting)
    assert style.recipe.generator.options["strength"]
    assert style.info["init"]["name"] == "painting"
    assert style.info["training"]["steps"] == 1
    assert {"content", "style"} <= style.info["scores"].keys()
    assert not torch.equal(style(PHOTO), style_from(painting)(PHOTO))
    difference = (style(PHOTO) - style_from(painting)(PHOTO)).abs().mean()
    assert difference < 0.1  # a few steps on, not anew
    assert any(isinstance(event, Scored) for event in events)
    assert any(isinstance(event, Saved) and event.path.suffix == ".jpg" for event in events)
    assert (run_of(tmp_path / "fits") / "checkpoints").is_dir()


def test_fit_again_trains_on(painting: Path, photos: Path, result: Path) -> None:
    fit(painting, result, photos=photos, minutes=0.01)
    assert fit(painting, result, photos=photos, minutes=0.01).steps == 2
    assert load_style(result).name == "painting"


def test_ctrl_c_keeps_the_best(painting: Path, photos: Path, result: Path) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress):
            signal.raise_signal(signal.SIGINT)

    fitted = fit(painting, result, photos=photos, minutes=0.01, on_event=interrupt)
    assert fitted.steps == 1
    assert load_style(result)(PHOTO).shape == PHOTO.shape


def test_the_same_command_trains_on_after_ctrl_c(
    painting: Path, photos: Path, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(event: Event) -> None:
        if isinstance(event, Progress):
            signal.raise_signal(signal.SIGINT)

    def again(minutes: float = 0.01) -> Any:
        options = ("-o", result, "--photos", photos, "--minutes", minutes)
        return CliRunner().invoke(app, ["fit", *map(str, (painting, *options))])

    monkeypatch.setattr("ganstyle.training.budget.measure_step", lambda recipe, stopped: 150.0)
    assert not is_unfinished(painting, result, photos=photos)
    fitted = fit(painting, result, photos=photos, minutes=10, on_event=interrupt)  # 3 steps
    assert (fitted.steps, fitted.finished) == (2, False)
    assert is_unfinished(painting, result, photos=photos)
    content = result.read_bytes()
    result.write_bytes(content + b" ")  # no longer what the fit wrote
    assert again().exit_code == 2
    result.write_bytes(content)
    assert again(minutes=0).exit_code == 2  # would replace it with what training began with
    assert result.read_bytes() == content
    outcome = again()
    assert outcome.exit_code == 0, outcome.output
    assert "3 steps" in outcome.stdout.splitlines()[-1]
    assert again().exit_code == 2  # it is finished
    assert "exists" in again().stderr


def test_fit_keeps_the_baked_style_if_training_makes_it_worse(
    painting: Path, photos: Path, result: Path, tmp_path: Path
) -> None:
    fitted = fit(painting, result, photos=photos, minutes=0.01)
    assert fitted.trained is ("training" in load_style(result).info)
    scores = run_of(tmp_path / "fits") / "scores.jsonl"
    begun, ended = map(json.loads, scores.read_text().splitlines())
    for better, trained in ((begun["weighted"] - 1, True), (begun["weighted"] + 1, False)):
        ended["weighted"] = better
        scores.write_text(f"{json.dumps(begun)}\n{json.dumps(ended)}\n")
        best = _best(Recipe.load(scores.with_name("recipe.yaml")))
        assert (best.name == "best.safetensors") is trained
    del begun["comparable"]  # an older version's, which does not compare
    scores.write_text(f"{json.dumps(begun)}\n{json.dumps(ended)}\n")
    assert _best(Recipe.load(scores.with_name("recipe.yaml"))).name == "best.safetensors"


def test_ctrl_c_while_the_speed_is_measured(
    painting: Path, photos: Path, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganstyle.training.budget.measure_step", lambda recipe, stopped: 0.0)
    fitted = fit(painting, result, photos=photos, minutes=0.01)
    assert (fitted.steps, fitted.finished) == (0, False)
    assert is_unfinished(painting, result, photos=photos)
    assert torch.equal(load_style(result)(PHOTO), style_from(painting)(PHOTO))


def test_every_painting_and_folder_of_photos_has_its_own_run(
    painting: Path, photos: Path, result: Path, tmp_path: Path
) -> None:
    own, other = tmp_path / painting.name, tmp_path / "other" / painting.name
    own.write_bytes(painting.read_bytes())
    write_image(torch.rand(1, 3, 40, 40), other)
    fit(own, result, photos=photos, minutes=0.01)
    assert fit(other, result, photos=photos, minutes=0.01).steps == 1
    assert load_style(result).recipe.style.path == str(other)
    own.write_bytes(other.read_bytes())  # the same file, but no longer the same painting
    assert fit(own, result, photos=photos, minutes=0.01).steps == 1
    assert fit(own, result, minutes=0.01).steps == 1
    assert len(list((tmp_path / "fits").glob("*/painting"))) == 4


def test_what_a_fit_begins_with_is_completed(painting: Path, result: Path, tmp_path: Path) -> None:
    fit(painting, result, minutes=0.01)
    crops = run_of(tmp_path / "fits") / "start" / "photos"
    assert sorted(path.name for path in crops.iterdir()) == ["example.png", "painting.png"]
    (crops / "painting.png").unlink()  # as if killed between the two
    fit(painting, result, minutes=0.01)
    assert (crops / "painting.png").is_file()


@pytest.mark.parametrize("place", ["measuring", "beginning"])
def test_ctrl_c_before_the_first_step(
    painting: Path, photos: Path, result: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def interrupt(*arguments: object, **keywords: object) -> None:
        raise KeyboardInterrupt

    name = "fit_to_time" if place == "measuring" else "train"
    monkeypatch.setattr(f"ganstyle.training.fit.{name}", interrupt)
    fitted = fit(painting, result, photos=photos, minutes=0.01)
    assert (fitted.steps, fitted.finished, fitted.trained) == (0, False, False)
    assert is_unfinished(painting, result, photos=photos)
    assert torch.equal(load_style(result)(PHOTO), style_from(painting)(PHOTO))


def test_fit_refuses_invalid_input(painting: Path, result: Path, tmp_path: Path) -> None:
    long, code = tmp_path / "long.png", tmp_path / "code.safetensors"
    write_image(torch.rand(1, 3, 8, 40), long)
    style_from(painting).save_code(code)
    with pytest.raises(ImageError, match=r"long\.png: is 40x8 pixels, too long to train on"):
        fit(long, result)
    with pytest.raises(GanstyleError, match="is a code, which cannot be trained on"):
        fit(code, result)
    with pytest.raises(GanstyleError, match="photos"):
        fit(painting, result, photos=tmp_path / "photos")
    for minutes in (-1.0, float("nan"), float("inf")):
        with pytest.raises(GanstyleError, match="give a number of at least 0"):
            fit(painting, result, minutes=minutes)
    assert not result.exists()


def test_fit_command(painting: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def invoke(*words: object) -> Any:
        return CliRunner().invoke(app, ["fit", *map(str, words)])

    outcome = invoke(painting, "--minutes", "0")
    assert outcome.exit_code == 0, outcome.output
    assert outcome.stdout.startswith("painting.safetensors: the style without training; use it: ")
    assert load_style("painting.safetensors").name == "painting"
    outcome = invoke(painting, "--minutes", "0")
    assert outcome.exit_code == 2
    assert "painting.safetensors" in outcome.stderr
    words = ("-o", "x.safetensors", "--photos", photos, "--minutes", "0.01", "--runs", tmp_path / "runs")
    outcome = invoke(painting, *words)
    assert outcome.exit_code == 0, outcome.output
    assert "1 steps" in outcome.stdout.splitlines()[-1]
    assert (run_of(tmp_path / "runs") / "recipe.yaml").exists()
    outcome = invoke(tmp_path / "none.jpg", "--minutes", "0")
    assert outcome.exit_code == 2
    assert len(outcome.stderr.splitlines()) == 1
    outcome = invoke(painting, "-o", painting, "--force")
    assert outcome.exit_code == 2
    assert "is an input" in outcome.stderr
