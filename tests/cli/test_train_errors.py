"""What cannot be trained: one line, and nothing left behind."""

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from ganstyle.cli import app

RECIPES = sorted((Path(__file__).parents[2] / "recipes").glob("*.yaml"))

QUICKSTART = next(path for path in RECIPES if path.stem == "quickstart")


def test_missing_recipe(tmp_path: Path) -> None:
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
        (
            ["score.every=1", "score.content=/nowhere"],
            "score.content /nowhere: no such folder; give a folder of",
        ),
        (["resume=/nowhere"], "/nowhere: no such training state"),
        (["run.dir=/dev/null"], "/dev/null/quickstart"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(train: Any, overrides: list[str], expected: str) -> None:
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
def test_values_that_only_a_network_or_optimizer_can_refuse(train: Any, override: str, section: str) -> None:
    assert section in train.refused(override)
    assert not train.runs.exists()


def test_invalid_paintings_and_photos(train: Any, tmp_path: Path) -> None:
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


def test_one_pixel_images_are_enlarged(train: Any, tmp_path: Path) -> None:
    path = tmp_path / "one" / "pixel.png"
    path.parent.mkdir()
    Image.new("RGB", (1, 1), (9, 99, 199)).save(path)
    train.finished(f"style.path={path}", f"content.path={path.parent}")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has fp16")
def test_fp16_needs_a_gpu(train: Any) -> None:
    assert train.refused("precision=fp16").startswith("'precision': fp16 needs a GPU")


def test_run_of_another_recipe_is_not_touched(train: Any) -> None:
    train.finished()
    folder = train.runs / "quickstart"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    message = train.refused("loss.style=7", "seed=1")
    assert str(folder) in message
    assert "loss.style: 20.0 -> 7.0; seed: 0 -> 1" in message
    assert "resume=auto" in train.refused("resume=never")
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_state_of_other_networks(train: Any) -> None:
    train.finished()
    state = train.runs / "quickstart" / "checkpoints" / "step-000002"
    message = train.refused("name=second", f"resume={state}", "generator.width=8")
    assert message.startswith(f"{state}: ")


def test_discriminator_too_deep_for_its_patches(train: Any) -> None:
    assert "fewer layers" in train.refused("discriminator.layers=9")


def test_failed_first_attempt_leaves_the_folder_free(train: Any) -> None:
    assert "relu1_1" in train.refused("loss.style_layers=[relu5_1]")
    train.finished()


def test_debug_shows_the_traceback(train: Any) -> None:
    result = train("stepps=3", debug=True)
    assert type(result.exception).__name__ == "RecipeError"
    assert result.exception.__traceback__ is not None


def test_train_out_of_memory_gives_advice(train: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: Any, **keywords: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB.\nSee the documentation")

    monkeypatch.setattr("ganstyle.training.loop.generator_loss", full)
    message = train.refused()
    assert message.startswith("out of memory; lower batch_size")
    assert "accumulate" in message


def test_a_size_too_small_to_score(train: Any, photos: Path) -> None:
    message = train.refused("score.every=1", f"score.content={photos}", "score.size=4")
    assert message == "'score.size': scores need 6 pixels or more (got 4)"
    assert not train.runs.exists()


def test_train_divergence_is_one_line(train: Any) -> None:
    message = train.refused("steps=3", "optimizer.lr=1e30", "optimizer.schedule=constant")
    assert "not finite" in message
    assert "lower optimizer.lr" in message
    assert not (train.runs / "quickstart" / "style.safetensors").exists()
