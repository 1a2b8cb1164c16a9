"""``ganstyle recipes``, and finding recipes by name."""

import os
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.cli.recipes import complete_recipe
from ganstyle.cli.train import choose_recipe
from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe
from ganstyle.shipped import find_recipe, shipped_recipe, shipped_recipes


def run(*words: object) -> str:
    result = CliRunner().invoke(app, ["recipes", *map(str, words)])
    assert result.exit_code == 0, result.output
    return result.stdout


def error(*words: object) -> str:
    result = CliRunner().invoke(app, ["recipes", *map(str, words)])
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    return line


def test_recipes_list() -> None:
    lines = run().splitlines()
    assert [line.split()[0] for line in lines] == list(shipped_recipes())
    assert all(len(line.split()) > 2 for line in lines)
    assert run("list").splitlines() == lines
    assert any(line.startswith("quickstart ") for line in lines)
    assert any(line.startswith("accelerate/slurm ") for line in lines)


def test_recipes_show() -> None:
    assert run("show", "wave") == shipped_recipe("wave").read_text(encoding="utf-8")


def test_recipes_path() -> None:
    path = Path(run("path", "accelerate/multi_gpu").strip())
    assert path.is_absolute()
    assert path.name == "multi_gpu.yaml"


def test_recipes_copy_to_folder_and_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for target, written in (
        ((), "wave.yaml"),
        (("mine.yaml",), "mine.yaml"),
        (("new/it.yaml",), "new/it.yaml"),
    ):
        assert run("copy", "wave", *target).strip() == written
        assert Recipe.load(tmp_path / written) == Recipe.load("wave")
        schema = (tmp_path / written).read_text(encoding="utf-8").splitlines()[1].partition("$schema=")[2]
        assert Path(schema).is_file()
    run("copy", "accelerate/slurm")
    assert os.access("slurm.sh", os.X_OK)


def test_recipes_copy_to_standard_output_home_and_devices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert yaml.safe_load(run("copy", "wave", "-"))["name"] == "wave"
    run("copy", "wave", "~/wave.yaml")
    assert Recipe.load(tmp_path / "home" / "wave.yaml") == Recipe.load("wave")
    run("copy", "wave", "/dev/null")
    assert Path("/dev/null").is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert "is a file, not a folder" in error("copy", "wave", "home/wave.yaml/x")


def test_recipes_copy_needs_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wave.yaml").write_text("mine")
    assert "wave.yaml: exists already; use --force" in error("copy", "wave")
    assert Path("wave.yaml").read_text() == "mine"
    run("copy", "wave", "--force")
    assert "name: wave" in Path("wave.yaml").read_text()
    assert "is the shipped recipe itself" in error("copy", "wave", shipped_recipe("wave"), "--force")


@pytest.mark.parametrize("command", ["show", "path", "copy"])
def test_unknown_recipe_name(command: str) -> None:
    assert "no shipped recipe 'quikstart'; did you mean 'quickstart'?" in error(command, "quikstart")
    assert "no shipped recipe '../pyproject'" in error(command, "../pyproject")


def test_recipes_schema() -> None:
    assert yaml.safe_load(run("schema"))["title"] == "Recipe"
    assert yaml.safe_load(run("schema", "--distillation"))["title"] == "DistillationRecipe"
    assert yaml.safe_load(run("schema", "--any"))["title"] == "AnyRecipe"
    assert error("schema", "--any", "--distillation").endswith("give one of --distillation and --any")


def test_recipe_name_completion() -> None:
    assert complete_recipe("acc") == [name for name in shipped_recipes() if name.startswith("accelerate/")]
    assert complete_recipe("quick") == ["quickstart"]


# --- by name


def test_recipe_file_wins_over_shipped_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert find_recipe("wave") == shipped_recipe("wave")
    Path("wave").write_text(shipped_recipe("udnie").read_text(encoding="utf-8"), encoding="utf-8")
    assert Recipe.load("wave").name == "udnie"


@pytest.mark.parametrize(
    "name", ["quikstart", "quickstart.yaml", "recipes/quickstart.yaml", "recipes/quikstart.yml"]
)
def test_misspelled_recipe_name_suggests_the_right_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RecipeError, match=f"^{name}: .*; did you mean 'quickstart'\\?$"):
        Recipe.load(name)


# --- ganstyle train without a recipe


def test_train_without_a_recipe() -> None:
    recipe = Recipe.load(*choose_recipe(None, [], Path("a/The Kiss (1908).jpg"), Path("photos: all/#1")))
    assert recipe.name == "The_Kiss_1908"
    assert recipe.style.path == "a/The Kiss (1908).jpg"
    assert recipe.content.path == "photos: all/#1"
    assert recipe.generator == Recipe.load("default").generator


def test_first_override_is_not_a_recipe() -> None:
    name, overrides = choose_recipe("steps=3", ["name=mine"], Path("kiss.jpg"), Path("photos"))
    recipe = Recipe.load(name, overrides)
    assert (recipe.steps, recipe.name) == (3, "mine")


def test_recipe_with_another_painting_keeps_its_name() -> None:
    recipe = Recipe.load(*choose_recipe("wave", ["content.path=b"], Path("kiss.jpg"), None))
    assert (recipe.name, recipe.style.path, recipe.content.path) == ("wave", "kiss.jpg", "b")


@pytest.mark.parametrize("name", ["...jpg", "\u306e.jpg", "-.jpg"])
def test_run_name_of_a_painting_without_a_usable_name(name: str) -> None:
    assert Recipe.load(*choose_recipe(None, [], Path(name), Path("photos"))).name == "my_style"


@pytest.mark.parametrize("words", [[], ["--painting", "x.jpg"], ["--photos", "x"], ["steps=3"]])
def test_missing_painting_or_photos(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["train", *words])
    assert result.exit_code == 2
    assert "give --painting PATH and --photos DIR" in result.stderr
