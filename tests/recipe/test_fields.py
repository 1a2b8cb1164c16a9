from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from ganstyle.arbitrary import AnyRecipe
from ganstyle.distill import DistillationRecipe
from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe, RunRecipe

FILE = "name: x\nstyle: {path: painting.jpg}\n"


def load(folder: Path, *overrides: str, text: str = FILE) -> Recipe:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return Recipe.load(path, overrides)


def refused(folder: Path, *overrides: str, text: str = FILE) -> str:
    with pytest.raises(RecipeError) as caught:
        load(folder, *overrides, text=text)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    return message


# --- numbers and text


def test_numbers_are_decimal_and_plain(tmp_path: Path) -> None:
    recipe = load(tmp_path, "steps=010", "batch_size=0x2", "optimizer.lr=1e-3", "loss.style=7")
    assert (recipe.steps, recipe.batch_size, recipe.optimizer.lr, recipe.loss.style) == (10, 2, 0.001, 7)
    assert type(recipe.steps) is int
    assert type(recipe.loss.style) is float
    assert "'steps': " in refused(tmp_path, "steps=1:30")


def test_numbers_as_text_keep_their_spelling(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "style.year=1889",
        "style.title=1e3",
        "style.author=007",
        "name=001",
        "run.dir=2024",
        "content.classes=[1, 02]",
        "score.content=1.50",
    )
    style = recipe.style
    assert (style.year, style.title, style.author) == ("1889", "1e3", "007")
    assert (recipe.name, recipe.run.dir, recipe.content.classes) == ("001", "2024", ["1", "02"])
    assert recipe.folder == Path("2024/001")
    assert recipe.score.content == "1.50"
    assert {type(style.year), type(recipe.name), type(recipe.run.dir)} == {str}
    assert load(tmp_path, text=recipe.to_yaml()) == recipe


def test_number_as_text_in_a_file(tmp_path: Path) -> None:
    recipe = load(tmp_path, text="name: 001\nstyle:\n  path: p\n  year: 1889\n  title: 1889-06-01\n")
    assert (recipe.name, recipe.style.year, recipe.style.title) == ("001", "1889", "1889-06-01")


def test_booleans_are_not_text(tmp_path: Path) -> None:
    assert "'style.title': should be text; put it in quotes (got True)" in refused(
        tmp_path, "style.title=true"
    )
    assert load(tmp_path, "style.title=Yes").style.title == "Yes"
    assert load(tmp_path, "style.title='true'").style.title == "true"


# --- booleans


@pytest.mark.parametrize("value", ["yes", "on", "1", "0", "'true'", "none", "1.0"])
@pytest.mark.parametrize("key", ["score.fid", "content.download"])
def test_only_true_and_false_are_booleans(tmp_path: Path, key: str, value: str) -> None:
    assert f"'{key}': should be true or false (got" in refused(tmp_path, f"{key}={value}")


def test_true_and_false(tmp_path: Path) -> None:
    assert load(tmp_path, "score.fid=true").score.fid is True
    assert load(tmp_path, "score.fid=False").score.fid is False


# --- duplicate keys


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (FILE + "steps: 3\nsteps: 4\n", "steps"),
        (FILE + "loss: {style: 3}\nloss: {tv: 1}\n", "loss"),
        (FILE + "loss:\n  style: 3\n  style: 4\n", "style"),
        (FILE + "generator: {name: resnet, name: unet}\n", "name"),
    ],
)
def test_duplicate_keys_of_a_file(tmp_path: Path, text: str, key: str) -> None:
    assert f"the key '{key}' appears twice" in refused(tmp_path, text=text)


def test_duplicate_keys_of_an_override(tmp_path: Path) -> None:
    assert "the key 'width' appears twice" in refused(tmp_path, "generator={width: 3, width: 4}")


# --- sides


@pytest.mark.parametrize("kind", [Recipe, AnyRecipe, DistillationRecipe])
@pytest.mark.parametrize("key", ["image_size", "score.size"])
def test_sides_beyond_any_tensor_are_refused(kind: type[RunRecipe], key: str) -> None:
    outer, _, inner = key.partition(".")
    values = {"name": "x", "style": {"path": "p"}, outer: {inner: 10**9} if inner else 10**9}
    with pytest.raises(RecipeError, match=f"'{key}': should be less than or equal to 16384"):
        kind.parse(values, source="test")


# --- paths


@pytest.mark.parametrize(
    "key",
    ["content.path", "style.path", "run.dir", "score.content", "init", "resume", "vgg"],
)
def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    value: Any = load(tmp_path, f"{key}=~/some where")
    for part in key.split("."):
        value = getattr(value, part)
    assert value == f"{tmp_path}/some where"
    assert load(tmp_path, f"{key}=a~/x", "name=y").name == "y"


def test_home_is_expanded_in_phases_and_in_distillation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert load(tmp_path, "phases=[{until: 1, vgg: ~/v}]").phases[0].vgg == "/home/me/v"
    values = {"name": "x", "style": {"path": "~"}, "on_policy": {"styles": ["~/a", "wave"]}}
    recipe = DistillationRecipe.parse(values, source="test")
    assert recipe.style.path == "/home/me"
    assert recipe.on_policy.styles == ("/home/me/a", "wave")


def test_recipe_path_with_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert Recipe.load("~/recipe.yaml").name == "x"


def test_lone_tilde_is_null(tmp_path: Path) -> None:
    assert "write ~/" in refused(tmp_path, "run.dir=~")
    assert "write ~/" in refused(tmp_path, text="name: x\nstyle: {path: ~}\n")


def test_home_of_an_unknown_user_is_one_line() -> None:
    with pytest.raises(RecipeError, match="cannot be read"):
        Recipe.load("~nobody-of-this-name/recipe.yaml")


# --- versions


def test_format_of_a_newer_version(tmp_path: Path) -> None:
    message = refused(tmp_path, "format=2", "key_of_the_future=3")
    assert "format 2 is of a newer ganstyle; upgrade to read it" in message
    assert "'format': " in refused(tmp_path, "format=0")
    assert load(tmp_path, "format=1").to_yaml().startswith("format: 1\n")


def test_deprecated_key_says_what_to_write(tmp_path: Path) -> None:
    with pytest.warns(FutureWarning, match=r"'style\.licence' is deprecated; write 'style\.license'"):
        recipe = load(tmp_path, "style.licence=public domain")
    assert recipe.style.license == "public domain"
    values = {"name": "x", "style": {"path": "p", "licence": "CC0"}}
    assert Recipe.parse(values, source="a style of 0.1.0").style.license == "CC0"  # not the user's to change
    assert "licence" in values["style"]


def test_old_and_new_key_at_once(tmp_path: Path) -> None:
    assert "unknown key 'style.licence'" in refused(tmp_path, "style.licence=a", "style.license=b")


# --- what is shown


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("loss.style_octaves=abc", "'loss.style_octaves': should be a valid integer"),
        ("loss.style_octaves=0", "'loss.style_octaves': should be greater than or equal to 1 (got 0)"),
        ("loss.style_octaves=true", "'loss.style_octaves': should be a number (got True)"),
        ("loss.style_octaves=[1, x]", "'loss.style_octaves.1': should be a valid number"),
        ("loss.style_layers={1: 2}", "'loss.style_layers.1': should be a valid string (got 1)"),
        ("discriminator=patchgan", "'discriminator': should be a section, lines of 'key: value'"),
        ("loss=3", "'loss': should be a section, lines of 'key: value' (got 3)"),
    ],
)
def test_key_is_named_as_in_the_file(tmp_path: Path, override: str, message: str) -> None:
    assert message in refused(tmp_path, override)


def test_long_values_are_shortened(tmp_path: Path) -> None:
    refused(tmp_path, f"steps={'x' * 5000}")
    refused(tmp_path, f"steps={list(range(5000))}")


def test_nested_aliases_are_not_written_out(tmp_path: Path) -> None:
    bomb = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
    refused(tmp_path, text=f"{FILE}a0: &a0 [x]\n{bomb}steps: *a19\n")


@pytest.mark.parametrize("recipe", [Recipe, DistillationRecipe, AnyRecipe])
def test_json_schema_describes_every_key(recipe: type[BaseModel]) -> None:
    schema = recipe.model_json_schema()
    for section in (schema, *schema["$defs"].values()):
        for key, value in section["properties"].items():
            assert value.get("description"), (section["title"], key)


def test_yaml_follows_a_change(tmp_path: Path) -> None:
    """However often a recipe was written before."""
    recipe = load(tmp_path, "steps=5")
    assert recipe.to_yaml() == recipe.to_yaml()
    changed = recipe.model_copy(update={"steps": 6})
    assert "steps: 5\n" in recipe.to_yaml()
    assert changed.to_yaml() == recipe.to_yaml().replace("steps: 5\n", "steps: 6\n")
