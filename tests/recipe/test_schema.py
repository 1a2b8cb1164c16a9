import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe, differences
from ganstyle.shipped import DEFAULT_RECIPE, shipped_recipes
from ganstyle.style import shipped_styles

ROOT = Path(__file__).parents[2]
RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
LAUNCHES = sorted((ROOT / "recipes" / "accelerate").glob("*.yaml"))


def values(**changes: Any) -> dict[str, Any]:
    return {"name": "x", "style": {"path": "painting.jpg"}, **changes}


def parse(**changes: Any) -> Recipe:
    return Recipe.parse(values(**changes), source="recipe.yaml")


def error(**changes: Any) -> str:
    """Return the message of the error that these values are."""
    with pytest.raises(RecipeError) as caught:
        parse(**changes)
    message = str(caught.value)
    assert message.startswith("recipe.yaml: ")
    assert "\n" not in message
    return message.removeprefix("recipe.yaml: ")


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def load(folder: Path, *overrides: str) -> Recipe:
    return Recipe.load(write(folder, "name: x\nstyle: {path: painting.jpg}\nsteps: 7\n"), overrides)


# --- what a recipe means


def test_defaults_that_are_promised() -> None:
    recipe = parse()
    assert (recipe.seed, recipe.steps, recipe.batch_size, recipe.image_size) == (0, 4000, 4, 256)
    assert (recipe.precision, recipe.vgg, recipe.resume) == ("auto", "auto", "auto")
    assert recipe.generator.name == "resnet"
    assert recipe.discriminator is not None
    assert recipe.discriminator.name == "patchgan"
    loss = recipe.loss
    assert (loss.content, loss.style, loss.adversarial, loss.gan) == (1.0, 5.0, 0.5, "hinge")
    assert loss.content_layers == {"relu3_3": 1.0}
    assert loss.style_layers == {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}
    assert recipe.optimizer.lr == 1e-3
    assert recipe.score.every == 0
    assert recipe.folder == Path("runs/x")


def test_layers_with_and_without_weights() -> None:
    recipe = parse(loss={"style_layers": ["relu2_1", "relu1_1"], "content_layers": {"relu2_1": 0.5}})
    assert recipe.loss.style_layers == {"relu2_1": 1.0, "relu1_1": 1.0}
    assert recipe.loss.content_layers == {"relu2_1": 0.5}
    assert recipe.loss.layers == ["relu1_1", "relu2_1"]


def test_keywords_of_the_networks() -> None:
    recipe = parse(
        generator={"name": "unet", "depth": 3},
        discriminator={"width": 16, "spectral_norm": True, "patch_size": 64},
    )
    assert recipe.generator.options == {"depth": 3}
    assert recipe.discriminator is not None
    assert recipe.discriminator.options == {"width": 16, "spectral_norm": True}  # the patch is not its own


def test_no_discriminator() -> None:
    assert parse(discriminator=None, image_size=16).discriminator is None


def test_options_of_the_content_leave_out_what_is_not_set() -> None:
    assert parse(content={"kind": "lsun", "path": "p", "classes": ["a"]}).content.options() == {
        "kind": "lsun",
        "path": "p",
        "classes": ["a"],
    }


def test_a_recipe_cannot_be_changed() -> None:
    recipe = parse()
    with pytest.raises(ValueError, match="frozen"):
        recipe.steps = 3  # type: ignore[misc]
    with pytest.raises(ValueError, match="frozen"):
        recipe.loss.style = 3.0  # type: ignore[misc]


# --- errors: one line that names the key


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"stepss": 3}, "unknown key 'stepss'; did you mean 'steps'?"),
        ({"batchsize": 3}, "unknown key 'batchsize'; did you mean 'batch_size'?"),
        ({"loss": {"adverserial": 1}}, "unknown key 'loss.adverserial'; did you mean 'loss.adversarial'?"),
        ({"run": {"folder": "x"}}, "unknown key 'run.folder'"),
        ({"qwertz": 1}, "unknown key 'qwertz'"),
    ],
)
def test_unknown_key(changes: dict[str, Any], expected: str) -> None:
    assert error(**changes) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("steps", "many"),
        ("steps", 40.5),
        ("steps", 0),
        ("steps", None),
        ("steps", [3]),
        ("seed", -1),
        ("seed", 2**32),
        ("workers", -1),
        ("ema", 1),
        ("precision", "fp8"),
        ("name", "a/b"),
        ("name", "../x"),
        ("name", True),
        ("vgg", None),
        ("style", "painting.jpg"),
        ("content", "photos"),
        ("content.kind", "lmdb"),
        ("content.classes", "church_outdoor_train"),
        ("loss.style", -1),
        ("loss.tv", float("nan")),
        ("loss.style_layers", []),
        ("loss.style_layers", "relu1_1"),
        ("loss.style_layers.relu1_1", 0),
        ("optimizer.lr", 0),
        ("optimizer.lr", float("inf")),
        ("optimizer.lr", "fast"),
        ("optimizer.betas", 0.5),
        ("optimizer.schedule", "step"),
        ("run.keep", 0),
        ("run.save_every", -1),
        ("score.every", 1.5),
        ("generator", "resnet"),
        ("generator.name", 5),
        ("discriminator.patch_size", 0),
    ],
)
def test_wrong_value(key: str, value: Any) -> None:
    changes: Any = value
    for part in reversed(key.split(".")):
        changes = {part: changes}
    if key.startswith("style."):
        changes["style"]["path"] = "x"
    message = error(**changes)
    assert message.startswith(f"'{key}': ")
    assert repr(value) in message


@pytest.mark.parametrize("key", ["steps", "seed", "workers"])
def test_yes_is_no_number(key: str) -> None:
    assert error(**{key: True}).startswith(f"'{key}': ")


def test_yes_is_no_weight() -> None:
    assert error(loss={"style": True}).startswith("'loss.style': ")


def test_betas_of_one_and_above_never_forget() -> None:
    assert error(optimizer={"betas": [0.5, 1.0]}).startswith("'optimizer.betas.1': ")


def test_missing() -> None:
    with pytest.raises(RecipeError, match=r"^r: 'style' is missing$"):
        Recipe.parse({"name": "x"}, source="r")
    assert error(style={}) == "'style.path' is missing"


def test_several_errors_are_counted() -> None:
    assert error(steps=0, seed=-1, batch_size=0).endswith("(and 2 more)")


def test_unknown_network_or_keyword() -> None:
    assert error(generator={"name": "resnt"}) == "'generator': 'resnt' is not one of lean, resnet, unet"
    assert error(discriminator={"name": "gan"}) == "'discriminator': 'gan' is not one of patchgan, projected"
    assert error(generator={"name": "unet", "widht": 3}) == (
        "'generator': 'widht' is not a keyword of unet, which takes width, depth, blocks, kernel, strength"
    )
    assert "'layer' is not a keyword of patchgan" in error(discriminator={"layer": 2})


def test_unknown_gan_loss() -> None:
    message = error(loss={"gan": "wgan"})
    assert message.startswith("'loss")
    assert "gan" in message
    assert "'wgan' is not one of lsgan, hinge, nonsaturating" in message


def test_patches_larger_than_the_pictures() -> None:
    message = error(image_size=64, discriminator={"patch_size": 65})
    assert message == "discriminator.patch_size 65 is larger than image_size 64"
    assert parse(image_size=64, discriminator={"patch_size": 64}).image_size == 64


def test_a_value_of_two_lines_stays_one_line() -> None:
    assert "'a" in error(generator={"name": "a\nb"})
    assert "gan" in error(loss={"gan": "a\nb"})
    assert "'generator'" in error(generator={"name": "resnet", "a\nb": 1})
    assert "unknown key" in error(**{"a\nb": 1})


def test_a_key_that_is_no_word() -> None:
    numbered: dict[Any, Any] = {**values(), 1: 2}
    with pytest.raises(RecipeError, match=r"^r: '1': "):
        Recipe.parse(numbered, source="r")


# --- files


def test_reads_a_file(tmp_path: Path) -> None:
    recipe = load(tmp_path)
    assert (recipe.name, recipe.steps) == ("x", 7)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name: [x", "not valid YAML"),
        ("name: 'x", "not valid YAML"),
        ("a: b: c", "not valid YAML"),
        ("name: x\x00", "not valid YAML"),
        ("name: !!python/object/apply:os.getcwd []", "not valid YAML"),
        ("[" * 600, "not valid YAML"),
        ("", "'key: value' lines"),
        ("- name: x", "'key: value' lines"),
        ("starry night", "'key: value' lines"),
    ],
)
def test_not_a_recipe(tmp_path: Path, text: str, reason: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecipeError, match=reason) as caught:
        Recipe.load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_picture_is_not_a_recipe(tmp_path: Path) -> None:
    path = tmp_path / "painting.jpg"
    path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00")
    with pytest.raises(RecipeError, match="not valid YAML"):
        Recipe.load(path)


def test_no_such_file(tmp_path: Path) -> None:
    for path in (tmp_path / "missing.yaml", tmp_path):
        with pytest.raises(RecipeError, match="cannot be read") as caught:
            Recipe.load(path)
        assert str(caught.value).startswith(f"{path}: ")


# --- overrides


def test_overrides(tmp_path: Path) -> None:
    recipe = load(
        tmp_path,
        "steps=9",
        "loss.style=10",
        "optimizer.lr=2e-4",
        "optimizer.betas=[0, 0.99]",
        "loss.style_layers=[relu1_1]",
        "loss.content_layers.relu2_2=0.5",
        "content.path=/a=b/c",
        "generator={name: unet, width: 8}",
        "discriminator.layers=2",
        "style.title=The Starry Night",
        "run.dir=",
        "run.dir='2024'",
    )
    assert recipe.steps == 9
    assert recipe.loss.style == 10
    assert recipe.optimizer.lr == pytest.approx(2e-4)
    assert recipe.optimizer.betas == (0, 0.99)
    assert recipe.loss.style_layers == {"relu1_1": 1.0}
    assert recipe.loss.content_layers == {"relu2_2": 0.5}
    assert recipe.content.path == "/a=b/c"
    assert (recipe.generator.name, recipe.generator.options) == ("unet", {"width": 8})
    assert recipe.discriminator is not None
    assert recipe.discriminator.options == {"layers": 2}
    assert (recipe.style.title, recipe.style.path) == ("The Starry Night", "painting.jpg")
    assert recipe.run.dir == "2024"


def test_an_override_can_take_the_discriminator_away_and_bring_it_back(tmp_path: Path) -> None:
    assert load(tmp_path, "discriminator=null").discriminator is None
    assert load(tmp_path, "discriminator=null", "discriminator.width=8").discriminator is not None


def test_an_override_mends_what_the_file_lacks(tmp_path: Path) -> None:
    path = write(tmp_path, "name: x\n")
    assert Recipe.load(path, ["style.path=a.jpg"]).style.path == "a.jpg"


@pytest.mark.parametrize("override", ["steps", "", "=3", "--steps", "loss.style=[1", "x=@"])
def test_what_is_no_override(tmp_path: Path, override: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load(tmp_path, override)
    assert f"'{override}'" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("override", "reason"),
    [
        ("stepz=3", "unknown key 'stepz'; did you mean 'steps'"),
        ("loss.stile=3", "unknown key 'loss.stile'; did you mean 'loss.style'"),
        ("steps=ten", "'steps': "),
        ("steps=", "'steps': "),
        ("steps.x=3", "'steps': "),
        ("style=a.jpg", "'style': "),
        ("generator.widht=3", "'widht' is not a keyword of resnet"),
        ("image_size=64", "discriminator.patch_size 128 is larger than image_size 64"),
        ("loss..style=3", "unknown key"),
    ],
)
def test_an_override_is_validated_like_the_file(tmp_path: Path, override: str, reason: str) -> None:
    with pytest.raises(RecipeError, match=re.escape(reason)) as caught:
        load(tmp_path, override)
    assert "\n" not in str(caught.value)


# --- writing and comparing


def test_round_trip(tmp_path: Path) -> None:
    recipe = parse(
        name="1889",
        style={"path": "données/ночь 'a': b.jpg", "title": "De sterrennacht\t—\nnuit", "year": "1889"},
        generator={"name": "unet", "width": 8},
        discriminator={"layers": 2, "spectral_norm": True},
        optimizer={"lr": 1e-7, "betas": (0.0, 0.99)},
        loss={"style_layers": {"relu1_1": 0.25, "relu2_1": 3}},
    )
    again = Recipe.load(write(tmp_path, recipe.to_yaml()))
    assert again == recipe
    assert again.to_dict() == recipe.to_dict()
    assert differences(recipe, again) == []
    assert again.generator.options == {"width": 8}


def test_round_trip_without_a_discriminator(tmp_path: Path) -> None:
    recipe = parse(discriminator=None)
    assert Recipe.load(write(tmp_path, recipe.to_yaml())) == recipe


def test_written_recipe_holds_every_default() -> None:
    written = yaml.safe_load(parse().to_yaml())
    assert set(written) == set(Recipe.model_fields)
    assert written["optimizer"]["betas"] == [0.5, 0.999]
    assert written["discriminator"]["patch_size"] == 128


def test_differences() -> None:
    old = parse(seed=1, loss={"style": 5}, generator={"width": 8})
    new = parse(seed=2, loss={"style": 6}, generator={"width": 8, "blocks": 3}, run={"dir": "elsewhere"})
    assert differences(old, new) == [
        "generator.blocks: null -> 3",
        "loss.style: 5.0 -> 6.0",
        'run.dir: "runs" -> "elsewhere"',
        "seed: 1 -> 2",
    ]
    assert differences(old, new, ignore=["run", "loss", "generator"]) == ["seed: 1 -> 2"]
    assert differences(old, old) == []


def test_differences_show_a_discriminator_that_is_gone() -> None:
    shown = differences(parse(), parse(discriminator=None))
    assert 'discriminator.name: "patchgan" -> null' in shown


# --- the recipes that come with ganstyle


def test_there_are_recipes() -> None:
    names = {path.stem for path in RECIPES}
    assert {"quickstart", "resnet", "unet", "johnson", *shipped_styles()} <= names
    assert {path.stem for path in LAUNCHES} >= {"cpu", "single_gpu", "multi_gpu", "multi_node"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_opens_with_its_command_which_works(path: Path) -> None:
    first = path.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith("# ")
    words = shlex.split(first.removeprefix("# "))
    start = words.index("train")
    assert words[:start] in (["ganstyle"], ["accelerate", "launch", "-m", "ganstyle"])
    if path.stem == DEFAULT_RECIPE:
        assert words[start + 1 :] == ["--painting", "PAINTING", "--photos", "PHOTOS"]
        return
    assert words[start + 1] == path.stem
    recipe = Recipe.load(path.stem, words[start + 2 :])
    assert recipe.name == path.stem
    assert recipe.content.path == "PHOTOS"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_loads_and_survives_a_round_trip(path: Path, tmp_path: Path) -> None:
    recipe = Recipe.load(path)
    assert Recipe.load(write(tmp_path, recipe.to_yaml())) == recipe


@pytest.mark.parametrize("path", LAUNCHES, ids=lambda path: path.stem)
def test_launch_config_opens_with_its_command(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    command = f'# accelerate launch --config_file "$(ganstyle recipes path accelerate/{path.stem})" '
    assert first.startswith(command)
    config = yaml.safe_load(text)
    assert isinstance(config, dict)
    assert config["compute_environment"] == "LOCAL_MACHINE"
    assert config["num_processes"] % config["num_machines"] == 0
    for recipe in re.findall(r"ganstyle train (\w+)", text):
        assert recipe in shipped_recipes()


@pytest.mark.parametrize(
    ("ends", "shown"), [([0.5], "0.5"), ([0.5, 0.5, 1.0], "0.5, 0.5, 1"), ([1.0, 0.5], "1, 0.5")]
)
def test_phases_rise_to_the_end(ends: list[float], shown: str) -> None:
    assert error(phases=[{"until": end} for end in ends]) == f"phases: until must rise to 1, not go {shown}"


def test_phases_are_checked_like_the_rest() -> None:
    assert "phases.0.until" in error(phases=[{"until": 0}])
    assert "phases.0.size" in error(phases=[{"until": 1, "size": 3}])
    small = [{"until": 0.5, "image_size": 64}, {"until": 1}]
    assert error(phases=small) == "discriminator.patch_size 128 is larger than image_size 64"
    recipe = parse(phases=small, discriminator={"patch_size": 64}, init="starry_night")
    assert [phase.image_size for phase in recipe.phases] == [64, None]
    assert recipe.init == "starry_night"
