import re
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.losses import GAN_LOSSES
from ganstyle.models import GENERATORS
from ganstyle.style import load_style

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
QUICKSTART = next(path for path in RECIPES if path.stem == "quickstart")

NUMBER = r"-?\d+\.\d+"


def progress(lines: list[str]) -> dict[str, float]:
    """Read the last progress line."""
    line = [line for line in lines if line.startswith("step ")][-1]
    assert re.fullmatch(
        rf"step +\d+/\d+  \d+\.\d img/s(  [A-Za-z]+ {NUMBER})+  ETA (\d+:\d\d:\d\d|\d+:\d\d)", line
    )
    return {name: float(value) for name, value in re.findall(rf"([A-Za-z]+) ({NUMBER})", line)}


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_trains(train: Any, recipe: Path) -> None:
    lines = train.finished(recipe=recipe)
    folder = train.runs / recipe.stem
    assert "vgg16-random" in lines[0]
    assert lines[-1].startswith(f"done: {folder / 'style.safetensors'} after 2 steps")
    shown = {"content", "style", "adversarial", "D"}
    assert set(progress(lines)) == shown if recipe.stem != "johnson" else {"content", "style"}
    assert {path.name for path in folder.iterdir()} == {
        "checkpoints",
        "recipe.yaml",
        "samples",
        "style.safetensors",
        "tensorboard",
    }
    style = load_style(folder / "style.safetensors")
    assert style.name == recipe.stem
    assert style.info["training"]["steps"] == 2
    assert style.info["training"]["photos"] == 2
    assert "vgg16-random" in style.info["vgg"]["name"]
    assert style.generator(torch.rand(1, 3, 20, 24)).isfinite().all()
    assert set(style.target.grams) == set(style.recipe.loss.layers)


@pytest.mark.parametrize("gan_loss", GAN_LOSSES)
@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator_trains_with_every_gan_loss(train: Any, generator: str, gan_loss: str) -> None:
    r1 = ["loss.r1=1", "loss.r1_every=1"] if gan_loss == "nonsaturating" else []
    values = progress(
        train.finished(
            f"generator={{name: {generator}, width: 4, blocks: 1}}",
            f"loss.gan={gan_loss}",
            *r1,
            "run.save_every=1",
            "run.log_every=1",
        )
    )
    assert all(torch.tensor(value).isfinite() for value in values.values())
    before, after = train.state(1), train.state(2)
    for network in ("generator", "average", "discriminator"):
        assert before[network].keys() == after[network].keys()
        assert all(value.isfinite().all() for value in after[network].values())
        assert any(not torch.equal(before[network][name], after[network][name]) for name in before[network])


def test_train_without_a_discriminator(train: Any) -> None:
    assert set(progress(train.finished("discriminator=null"))) == {"content", "style"}
    assert "discriminator" not in train.state(2)


@pytest.mark.parametrize(
    "overrides",
    [
        ["accumulate=2"],
        ["precision=bf16"],
        ["precision=fp32"],
        ["discriminator={spectral_norm: true, scales: 2, width: 4, layers: 1, patch_size: 32}"],
        ["discriminator.patch_size=16"],
        ["optimizer.schedule=constant", "optimizer.warmup=1"],
        ["loss.style_layers={relu1_1: 2, relu2_1: 0.5}", "loss.content_layers=[relu2_2]"],
        ["batch_size=5"],  # more than there are photos
    ],
)
def test_train_with_other_options(train: Any, overrides: list[str]) -> None:
    assert train.finished(*overrides)[-1].startswith("done: ")


def test_scores_and_the_best_style(train: Any, photos: Path) -> None:
    lines = train.finished("score.every=1", f"score.content={photos}", "score.size=32")
    assert [line.partition(":")[0] for line in lines if line.startswith("scored")] == [
        "scored at step 0",
        "scored at step 1",
        "scored at step 2",
    ]
    names = ("content", "style", "style_coarse", "mse", "ssim")
    assert re.search(f"after 2 steps{''.join(f', {name} {NUMBER}' for name in names)}$", lines[-1])
    folder = train.runs / "quickstart"
    assert load_style(folder / "best.safetensors").name == "quickstart"
    assert load_style(folder / "style.safetensors").info["scores"]["protocol"]["photos"] == 3


def test_same_train_command_again_is_done(train: Any) -> None:
    train.finished()
    style = train.runs / "quickstart" / "style.safetensors"
    before = style.read_bytes()
    lines = train.finished()
    assert any(line.startswith("resumed from ") and line.endswith(" at step 2") for line in lines)
    assert lines[-1].startswith(f"done: {style} after 2 steps")
    assert style.read_bytes() == before


def test_resume_from_a_state_of_another_run(train: Any) -> None:
    train.finished()
    state = train.runs / "quickstart" / "checkpoints" / "step-000002"
    lines = train.finished("name=second", f"resume={state}")
    assert lines[-1].startswith("done: ")
    assert load_style(train.runs / "second" / "style.safetensors").name == "second"


def test_interval_0_disables_output(train: Any) -> None:
    train.finished("run.sample_every=0")
    assert not (train.runs / "quickstart" / "samples").exists()


def test_keep_limits_saved_states(train: Any) -> None:
    train.finished("steps=3", "run.save_every=1", "run.keep=2")
    states = train.runs / "quickstart" / "checkpoints"
    assert sorted(path.name for path in states.iterdir()) == ["step-000002", "step-000003"]


@pytest.mark.filterwarnings("default")
def test_unreadable_photo_is_a_one_line_warning(
    train: Any, tmp_path: Path, painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "good.png").write_bytes(painting.read_bytes())
    (folder / "bad.jpg").write_text("These are words.")
    result = train(f"content.path={folder}")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganstyle: warning: {folder}: skipped 1 of 2 unreadable images")
    assert "bad.jpg" in line
