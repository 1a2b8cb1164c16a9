"""No network and an empty cache: everything works with the distilled VGG-16 that ships, and says so once."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ganstyle.cli import app
from ganstyle.files import sha256
from ganstyle.weights.student import shipped_student

pytestmark = pytest.mark.filterwarnings("default:.*distilled VGG-16:UserWarning")

ROOT = Path(__file__).parents[2]
WARNING = "the distilled VGG-16 that ships with ganstyle is used"


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 0, (result.output, result.exception)
    return result


def test_offline_doctor() -> None:
    result = run("doctor")
    assert "VGG-16 distilled: " in result.stdout
    assert sha256(shipped_student()) in result.stdout


def test_offline_optimize(photos: Path, painting: Path, tmp_path: Path) -> None:
    picture, figures = tmp_path / "out.png", tmp_path / "out.json"
    options = ("--size", "24", "--single-scale", "--steps", "2", "--json", figures)
    result = run("optimize", photos / "a.png", painting, "-o", picture, *options)
    assert picture.exists()
    assert result.stderr.count(WARNING) == 1
    vgg = json.loads(figures.read_text())["vgg"]
    assert vgg == {"name": "VGG-16 distilled", "sha256": sha256(shipped_student())}


def test_offline_train(photos: Path, painting: Path, tmp_path: Path) -> None:
    result = run(
        *("train", ROOT / "recipes" / "quickstart.yaml", f"content.path={photos}", f"style.path={painting}"),
        *(f"run.dir={tmp_path}", "steps=1", "batch_size=1", "image_size=64", "discriminator.patch_size=64"),
        *("style.size=64", "workers=0", "precision=fp32", "run.sample_every=0"),
    )
    assert result.stderr.count(WARNING) == 1
    assert list(tmp_path.glob("*/style.safetensors"))


@pytest.mark.slow
@pytest.mark.filterwarnings("default:Inception cannot be downloaded:UserWarning")
def test_offline_with_a_read_only_home(
    photos: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "home").write_text("a file, where no folder can be made even by root")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home" / "torch"))
    style = ("-s", "wave", "--content", photos, "--painting", painting, "--count", "1", "--size", "16")
    data = (f"content.path={photos}", f"style.path={painting}", f"run.dir={tmp_path}", "steps=1")
    small = ("batch_size=1", "image_size=64", "discriminator.patch_size=64", "style.size=64", "workers=0")
    for command in (
        ("optimize", photos / "a.png", painting, "-o", tmp_path / "out.png", "--size", "24", "--steps", "1"),
        ("evaluate", *style),
        ("compare", *style, "-o", tmp_path / "report"),
        ("train", ROOT / "recipes" / "quickstart.yaml", *data, *small, "run.sample_every=0"),
    ):
        assert run(*command).stderr.count(WARNING) == 1, command[0]


@pytest.mark.parametrize("spec", ["auto", "distilled"])
def test_offline_layer_missing_in_the_distilled_network(
    spec: str, photos: Path, painting: Path, tmp_path: Path
) -> None:
    recipe = ROOT / "recipes" / "quickstart.yaml"
    changes = [f"content.path={photos}", f"style.path={painting}", f"run.dir={tmp_path}", f"vgg={spec}"]
    result = CliRunner().invoke(
        app, ["train", str(recipe), *changes, "workers=0", "loss.content_layers=[relu4_3]"]
    )
    assert result.exit_code == 2
    assert "lacks relu4_3; it holds relu1_2, relu2_2, relu3_3" in result.stderr.splitlines()[-1]
