import re
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from PIL import Image
from torch import Tensor
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.losses import GAN_LOSSES
from ganstyle.models import GENERATORS
from ganstyle.style import load_style

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))
QUICKSTART = next(path for path in RECIPES if path.stem == "quickstart")

NUMBER = r"-?\d+\.\d+"


class Trainer:
    """Runs ``ganstyle train`` in this process, on sizes that take a moment."""

    def __init__(self, runs: Path, photos: Path, painting: Path, weights: Path) -> None:
        self.runs = runs
        self.tiny = [
            f"content.path={photos}",
            f"style.path={painting}",
            f"vgg={weights}",
            f"run.dir={runs}",
            "style.size=32",
            "steps=2",
            "batch_size=1",
            "image_size=32",
            "workers=0",
            "score.every=0",
            "init=null",
            "phases=[]",
            "generator.width=4",
            "generator.blocks=1",
        ]
        self.tiny_gan = ["discriminator.width=4", "discriminator.layers=1", "discriminator.patch_size=32"]

    def __call__(self, *overrides: str, recipe: Path = QUICKSTART, debug: bool = False) -> Any:
        has_gan = yaml.safe_load(recipe.read_text(encoding="utf-8")).get("discriminator", {}) is not None
        tiny = self.tiny + self.tiny_gan * has_gan
        return CliRunner().invoke(app, ["--debug"] * debug + ["train", str(recipe), *tiny, *overrides])

    def finished(self, *overrides: str, recipe: Path = QUICKSTART) -> list[str]:
        """Train without an error; return what was printed."""
        result = self(*overrides, recipe=recipe)
        assert result.exit_code == 0, result.output
        assert result.stderr == ""
        lines: list[str] = result.stdout.splitlines()
        return lines

    def refused(self, *overrides: str) -> str:
        """Fail with one line; return it."""
        result = self(*overrides)
        assert result.exit_code == 2, (result.output, result.exception)
        assert len(result.stderr.splitlines()) == 1
        assert "Traceback" not in result.output
        return str(result.stderr).removeprefix("ganstyle: ").rstrip("\n")

    def state(self, step: int) -> dict[str, dict[str, Tensor]]:
        """Return the saved training state after a step."""
        path = self.runs / "quickstart" / "checkpoints" / f"step-{step:06d}" / "state.pt"
        values: dict[str, dict[str, Tensor]] = torch.load(path, weights_only=True)
        return values


@pytest.fixture
def train(tmp_path: Path, photos: Path, painting: Path, vgg16_weights: Path) -> Trainer:
    return Trainer(tmp_path / "runs", photos, painting, vgg16_weights)


def progress(lines: list[str]) -> dict[str, float]:
    """Read the last progress line."""
    line = [line for line in lines if line.startswith("step ")][-1]
    assert re.fullmatch(
        rf"step +\d+/\d+  \d+\.\d img/s(  [A-Za-z]+ {NUMBER})+  ETA (\d+:\d\d:\d\d|\d+:\d\d)", line
    )
    return {name: float(value) for name, value in re.findall(rf"([A-Za-z]+) ({NUMBER})", line)}


# --- training


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda path: path.stem)
def test_every_recipe_trains(train: Trainer, recipe: Path) -> None:
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
def test_every_generator_trains_with_every_gan_loss(train: Trainer, generator: str, gan_loss: str) -> None:
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


def test_without_a_discriminator(train: Trainer) -> None:
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
def test_other_choices(train: Trainer, overrides: list[str]) -> None:
    assert train.finished(*overrides)[-1].startswith("done: ")


def test_scores_and_the_best_style(train: Trainer, photos: Path) -> None:
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


def test_the_same_command_again_finds_it_done(train: Trainer) -> None:
    train.finished()
    style = train.runs / "quickstart" / "style.safetensors"
    before = style.read_bytes()
    lines = train.finished()
    assert any(line.startswith("resumed from ") and line.endswith(" at step 2") for line in lines)
    assert lines[-1].startswith(f"done: {style} after 2 steps")
    assert style.read_bytes() == before


def test_a_state_of_another_run_still_gives_a_style(train: Trainer) -> None:
    train.finished()
    state = train.runs / "quickstart" / "checkpoints" / "step-000002"
    lines = train.finished("name=second", f"resume={state}")
    assert lines[-1].startswith("done: ")
    assert load_style(train.runs / "second" / "style.safetensors").name == "second"


def test_intervals_of_0_turn_things_off(train: Trainer) -> None:
    train.finished("run.sample_every=0")
    assert not (train.runs / "quickstart" / "samples").exists()


def test_keeps_as_many_states_as_asked_for(train: Trainer) -> None:
    train.finished("steps=3", "run.save_every=1", "run.keep=2")
    states = train.runs / "quickstart" / "checkpoints"
    assert sorted(path.name for path in states.iterdir()) == ["step-000002", "step-000003"]


@pytest.mark.filterwarnings("default")
def test_an_unreadable_photo_is_one_line_and_no_error(
    train: Trainer, tmp_path: Path, painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "good.png").write_bytes(painting.read_bytes())
    (folder / "bad.jpg").write_text("These are words.")
    result = train(f"content.path={folder}")
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganstyle: warning: {folder}: skipped 1 of 2 images")
    assert "bad.jpg" in line


# --- what cannot be trained


def test_a_recipe_that_is_not_there(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", str(tmp_path / "missing.yaml")])
    assert result.exit_code == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"ganstyle: {tmp_path / 'missing.yaml'}: the recipe cannot be read")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["stepps=3"], "unknown key 'stepps'; did you mean 'steps'?"),
        (["steps=many"], "'steps': "),
        (["steps"], "write key=value"),
        (["generator.widht=3"], "'widht' is not a keyword of resnet"),
        (["generator.strength=abc"], "'generator.strength': should be a valid boolean (got 'abc')"),
        (["discriminator.spectral_norm=none"], "'discriminator.spectral_norm': should be a valid boolean"),
        (["score.fid=yes"], "'score.fid': should be true or false (got 'yes')"),
        (["steps=1:30"], "'steps': should be a valid integer"),
        (["loss={style: 1, style: 2}"], "the key 'style' appears twice"),
        (["discriminator.patch_size=33"], "discriminator.patch_size 33 is larger than image_size 32"),
        (["loss.style_layers=[relu1_1, relu4_3]"], "lack relu4_3; they hold relu1_1, relu1_2,"),
        (["loss.style_layers=[relu9_9]"], "relu9_9: VGG-16 has no such layer"),
        (["vgg=/nowhere/vgg.pth"], "/nowhere/vgg.pth: no such file"),
        (["vgg=imagenet"], "set GANSTYLE_VGG16"),  # there is no network
        (["content.path=/nowhere"], "/nowhere: no such folder"),
        (["style.path=/nowhere.jpg"], "/nowhere.jpg: no such file"),
        (["content.kind=lsun"], "classes is missing"),
        (["score.every=1", "score.content=/nowhere"], "/nowhere: no such folder"),
        (["resume=/nowhere"], "/nowhere: no such training state"),
        (["run.dir=/dev/null"], "/dev/null/quickstart"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    train: Trainer, overrides: list[str], expected: str
) -> None:
    assert expected in train.refused(*overrides)
    assert not train.runs.exists()


@pytest.mark.parametrize(
    ("override", "section"),
    [
        ("generator.width=0", "generator"),
        ("generator.width=wide", "generator"),
        ("generator.kernel=4", "generator"),
        ("discriminator.norm=batch", "discriminator"),
        ("discriminator.layers=1.5", "discriminator"),
        ("optimizer.betas=[0.5, 1.5]", "optimizer"),
    ],
)
def test_values_that_only_a_network_or_optimizer_can_refuse(
    train: Trainer, override: str, section: str
) -> None:
    assert section in train.refused(override)
    assert not train.runs.exists()


def test_paintings_and_photos_that_are_none(train: Trainer, tmp_path: Path) -> None:
    text, half, empty = tmp_path / "text.jpg", tmp_path / "half.png", tmp_path / "empty"
    text.write_text("These are words.")
    Image.new("RGB", (64, 64), (1, 2, 3)).save(half)
    half.write_bytes(half.read_bytes()[:60])
    empty.mkdir()
    assert str(text) in train.refused(f"style.path={text}")
    assert str(half) in train.refused(f"style.path={half}")
    assert str(empty) in train.refused(f"style.path={empty}")
    assert str(empty) in train.refused(f"content.path={empty}")
    assert not train.runs.exists()


def test_a_painting_and_photos_of_one_pixel_are_enlarged(train: Trainer, tmp_path: Path) -> None:
    path = tmp_path / "one" / "pixel.png"
    path.parent.mkdir()
    Image.new("RGB", (1, 1), (9, 99, 199)).save(path)
    train.finished(f"style.path={path}", f"content.path={path.parent}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has fp16")
def test_fp16_needs_a_gpu(train: Trainer) -> None:
    assert train.refused("precision=fp16").startswith("'precision': fp16 needs a GPU")


def test_a_run_of_another_recipe_is_not_touched(train: Trainer) -> None:
    train.finished()
    folder = train.runs / "quickstart"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    message = train.refused("loss.style=7", "seed=1")
    assert str(folder) in message
    assert "loss.style: 20.0 -> 7.0; seed: 0 -> 1" in message
    assert "resume=auto" in train.refused("resume=never")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_a_state_of_other_networks(train: Trainer) -> None:
    train.finished()
    state = train.runs / "quickstart" / "checkpoints" / "step-000002"
    message = train.refused("name=second", f"resume={state}", "generator.width=8")
    assert message.startswith(f"{state}: ")


def test_a_discriminator_too_deep_for_its_patches(train: Trainer) -> None:
    assert "fewer layers" in train.refused("discriminator.layers=9")


def test_a_first_attempt_that_failed_does_not_claim_the_folder(train: Trainer) -> None:
    assert "relu1_1" in train.refused("loss.style_layers=[relu5_1]")
    train.finished()


def test_debug_shows_where(train: Trainer) -> None:
    result = train("stepps=3", debug=True)
    assert type(result.exception).__name__ == "RecipeError"
    assert result.exception.__traceback__ is not None


def test_out_of_memory_is_one_line_that_says_what_to_change(
    train: Trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*args: Any, **keywords: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.\nSee the documentation")

    monkeypatch.setattr("ganstyle.training.loop.generator_loss", full)
    message = train.refused()
    assert message.startswith("out of memory; lower batch_size")
    assert "accumulate" in message


def test_a_size_too_small_to_score(train: Trainer, photos: Path) -> None:
    message = train.refused("score.every=1", f"score.content={photos}", "score.size=4")
    assert message == "'score.size': scores need 6 pixels or more (got 4)"
    assert not train.runs.exists()


def test_a_training_that_diverges(train: Trainer) -> None:
    message = train.refused("steps=3", "optimizer.lr=1e30", "optimizer.schedule=constant")
    assert "not finite" in message
    assert "lower optimizer.lr" in message
    assert not (train.runs / "quickstart" / "style.safetensors").exists()
