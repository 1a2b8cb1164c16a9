from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe


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


# --- what a recipe means


def test_documented_defaults() -> None:
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
        ("steps", 10**30),
        ("batch_size", 10**9),
        ("image_size", 10**9),
        ("style.size", 10**9),
        ("score.size", 10**9),
        ("workers", 10**9),
        ("accumulate", 10**12),
        ("discriminator.patch_size", 10**9),
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
        ("optimizer.lr", 3e38),
        ("optimizer.lr_muon", 3e38),
        ("loss.style", 3e38),
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
def test_yes_is_not_a_number(key: str) -> None:
    assert error(**{key: True}).startswith(f"'{key}': ")


def test_yes_is_not_a_weight() -> None:
    assert error(loss={"style": True}).startswith("'loss.style': ")


@pytest.mark.parametrize("scales", [[0.5, 1.0], [1.5, 1.25], [0.9, 0.8]])
def test_crop_scales_must_rise_from_one(scales: list[float]) -> None:
    assert error(crop_scales=scales) == f"'crop_scales': must rise from 1 or more (got {scales})"


def test_betas_must_be_below_one() -> None:
    assert error(optimizer={"betas": [0.5, 1.0]}).startswith("'optimizer.betas.1': ")


def test_missing_key() -> None:
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


@pytest.mark.parametrize(
    ("name", "advice"), [("patchgan", "raise it, or use fewer layers"), ("projected", "raise it")]
)
def test_small_patches_advise_what_the_discriminator_has(name: str, advice: str) -> None:
    message = error(discriminator={"name": name, "patch_size": 16})
    assert message.startswith("'discriminator': patch_size 16 is smaller than the ")
    assert message.endswith(f" that it needs; {advice}")


def test_patches_larger_than_the_pictures() -> None:
    message = error(image_size=64, discriminator={"patch_size": 65})
    assert message == "discriminator.patch_size 65 is larger than image_size 64"
    assert parse(image_size=64, discriminator={"patch_size": 64}).image_size == 64


def test_multi_line_value_is_reported_in_one_line() -> None:
    assert "'a" in error(generator={"name": "a\nb"})
    assert "gan" in error(loss={"gan": "a\nb"})
    assert "'generator'" in error(generator={"name": "resnet", "a\nb": 1})
    assert "unknown key" in error(**{"a\nb": 1})


def test_invalid_key_name() -> None:
    numbered: dict[Any, Any] = {**values(), 1: 2}
    with pytest.raises(RecipeError, match=r"^r: '1': "):
        Recipe.parse(numbered, source="r")


@pytest.mark.parametrize(
    ("ends", "shown"), [([0.5], "0.5"), ([0.5, 0.5, 1.0], "0.5, 0.5, 1"), ([1.0, 0.5], "1, 0.5")]
)
def test_phases_must_increase_to_the_last_step(ends: list[float], shown: str) -> None:
    assert error(phases=[{"until": end} for end in ends]) == f"phases: until must rise to 1, not go {shown}"


def test_phases_are_validated() -> None:
    assert "phases.0.until" in error(phases=[{"until": 0}])
    assert "phases.0.size" in error(phases=[{"until": 1, "size": 3}])
    small = [{"until": 0.5, "image_size": 64}, {"until": 1}]
    assert error(phases=small) == "discriminator.patch_size 128 is larger than image_size 64"
    recipe = parse(phases=small, discriminator={"patch_size": 64}, init="starry_night")
    assert [phase.image_size for phase in recipe.phases] == [64, None]
    assert recipe.init == "starry_night"
