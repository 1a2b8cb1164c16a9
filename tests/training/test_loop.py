import json
import math
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from accelerate import Accelerator

from ganstyle.errors import DataError, RecipeError, RunError, WeightsError
from ganstyle.recipe import Recipe
from ganstyle.runs.launch import start_accelerator
from ganstyle.style import load_style
from ganstyle.training import Event, Message, Progress, Saved, Scored, train

RecipeMaker = Callable[..., dict[str, Any]]


def test_training_writes_a_usable_style(tiny_recipe: Recipe) -> None:
    events: list[Event] = []
    outcome = train(tiny_recipe, events.append)

    assert outcome.finished
    assert outcome.step == 4
    style = load_style(outcome.style)
    image = torch.rand(1, 3, 21, 34)
    assert style.generator(image).shape == image.shape
    assert style.info["training"]["photos"] == 8
    assert len(style.info["vgg"]["sha256"]) == 64
    assert set(style.target.grams) == {"relu1_2", "relu2_2", "relu3_3"}
    steps = [event.step for event in events if isinstance(event, Progress)]
    assert steps == [1, 2, 3, 4]
    assert any("SHA-256" in event.text for event in events if isinstance(event, Message))


def test_ema_weights_are_saved(tiny_recipe: Recipe) -> None:
    outcome = train(tiny_recipe)
    values = torch.load(tiny_recipe.folder / "checkpoints" / "step-000004" / "state.pt", weights_only=True)
    for name, weight in load_style(outcome.style).generator.state_dict().items():
        assert torch.equal(weight, values["average"][f"module.{name}"])
    assert any(
        not torch.equal(values["generator"][name], values["average"][f"module.{name}"])
        for name in values["generator"]
    )


def test_every_loss_is_reported_with_and_without_its_weight(tiny: RecipeMaker) -> None:
    events: list[Event] = []
    recipe = Recipe.parse(
        tiny(steps=1, loss={"content": 2.0, "style": 3.0, "tv": 0.5, "adversarial": 0.25, "r1": 1.0}),
        source="test",
    )
    train(recipe, events.append)

    (progress,) = [event for event in events if isinstance(event, Progress)]
    values = progress.values
    assert values["loss/r1"] >= 0
    for name, weight in {"content": 2.0, "style": 3.0, "tv": 0.5, "adversarial": 0.25}.items():
        assert values[f"weighted/{name}"] == pytest.approx(weight * values[f"loss/{name}"], rel=1e-5)
    total = sum(values[f"weighted/{name}"] for name in ("content", "style", "tv", "adversarial"))
    assert values["loss/generator"] == pytest.approx(total, rel=1e-5)
    for name in ("logits/real", "logits/fake", "gradient/generator", "gradient/discriminator"):
        assert math.isfinite(values[name])


def test_training_lowers_the_loss(tiny: RecipeMaker) -> None:
    values: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            values.append(event.values["loss/generator"])

    recipe = tiny(steps=40, discriminator=None, optimizer={"lr": 1e-2}, image_size=16)
    recipe["run"]["save_every"] = 0
    train(Recipe.parse(recipe, source="test"), note)

    assert sum(values[-5:]) < 0.6 * sum(values[:5])


def test_training_is_deterministic(tiny: RecipeMaker) -> None:
    def losses(name: str) -> list[float]:
        events: list[Event] = []
        train(Recipe.parse(tiny(name=name), source="test"), events.append)
        return [event.values["loss/generator"] for event in events if isinstance(event, Progress)]

    assert losses("first") == losses("second")


def test_accumulating_two_batches_equals_one_of_twice_the_size(tiny: RecipeMaker) -> None:
    def moments(name: str, **sizes: int) -> dict[int, Any]:
        values = tiny(name=name, steps=1, discriminator=None, **sizes)
        recipe = Recipe.parse(values, source="test")
        train(recipe)
        state = recipe.folder / "checkpoints" / "step-000001" / "state.pt"
        loaded: dict[int, Any] = torch.load(state, weights_only=True)["generator_optimizer"]["state"]
        return loaded

    whole, halves = moments("whole", batch_size=4), moments("halves", batch_size=2, accumulate=2)
    for index, moment in whole.items():  # Adam's first moment after one step is half the gradient (beta1 0.5)
        torch.testing.assert_close(halves[index]["exp_avg"], moment["exp_avg"], atol=1e-5, rtol=1e-4)


@pytest.mark.usefixtures("small_fid")
def test_callbacks_and_samples_do_not_change_training(tiny: RecipeMaker, photos: Path) -> None:
    plain = train(Recipe.parse(tiny(name="plain"), source="test"))
    watched = tiny(name="watched", score={"every": 2, "content": str(photos), "size": 32, "fid": True})
    watched["run"] = watched["run"] | {"sample_every": 1}
    events: list[Event] = []
    outcome = train(Recipe.parse(watched, source="test"), events.append)

    a, b = (load_style(path).generator.state_dict() for path in (plain.style, outcome.style))
    assert all(torch.equal(a[name], b[name]) for name in a)
    folder = outcome.style.parent
    assert sorted(path.name for path in (folder / "samples").iterdir()) == [
        f"step-{step:06d}.jpg" for step in range(5)
    ]
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [0, 2, 4]
    assert outcome.scores["style"] == lines[-1]["style"]
    assert [event.step for event in events if isinstance(event, Scored)] == [0, 2, 4]
    for line in lines:  # quality against cost
        assert line["photos"] == 2 * line["step"]
        assert (line["seconds"] > 0) == (line["step"] > 0)
    names = ("content", "style", "mse", "ssim", "fid_vgg16_style", "kid_vgg16_content", "weighted")
    assert all(math.isfinite(line[name]) for line in lines for name in names)
    protocol = load_style(folder / "best.safetensors").info["scores"]["protocol"]
    assert protocol["photos"] == 3
    assert len(protocol["fid_vgg16_style"]["sha256"]) == 64
    assert sorted(path.name for path in (folder / "statistics").iterdir()) == ["painting.npz", "photos.npz"]
    assert list((folder / "tensorboard").iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_saves_and_stops(tiny: RecipeMaker, number: signal.Signals) -> None:
    recipe = Recipe.parse(tiny(steps=50), source="test")

    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 3:
            os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    outcome = train(recipe, interrupt)

    assert not outcome.finished
    assert 3 <= outcome.step <= 4
    assert (recipe.folder / "checkpoints" / f"step-{outcome.step:06d}" / "manifest.json").is_file()
    assert load_style(outcome.style).info["training"]["steps"] == outcome.step
    assert signal.getsignal(number) is before


def test_finished_run_is_not_changed(tiny_recipe: Recipe) -> None:
    first = train(tiny_recipe)
    content = first.style.read_bytes()
    saved: list[Event] = []
    again = train(tiny_recipe, saved.append)
    assert again.finished
    assert again.step == 4
    assert first.style.read_bytes() == content
    assert not [event for event in saved if isinstance(event, Saved)]


@pytest.mark.parametrize(
    ("changes", "error", "part"),
    [
        ({"content": {"path": "nowhere"}}, DataError, "nowhere"),
        ({"vgg": "nowhere.safetensors"}, WeightsError, "nowhere.safetensors"),
        ({"loss": {"style_layers": ["relu4_3"]}}, WeightsError, "relu3_3"),
        ({"precision": "fp16"}, RecipeError, "precision"),
        ({"resume": "nowhere"}, RunError, "nowhere"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_run_folder(
    tiny: RecipeMaker, changes: dict[str, Any], error: type[Exception], part: str
) -> None:
    recipe = Recipe.parse(tiny(**changes), source="test")
    with pytest.raises(error, match=part) as caught:
        train(recipe)
    assert "\n" not in str(caught.value)
    assert not recipe.folder.exists()


def test_a_diverged_training_stops_with_advice(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganstyle.training.steps.total_variation", lambda picture: picture.sum() * math.nan)
    recipe = tiny(steps=10, discriminator=None, guard={"patience": 3})
    with pytest.raises(RunError, match="not finite"):
        train(Recipe.parse(recipe, source="test"))


@pytest.mark.parametrize("accumulate", [1, 2])
def test_loss_scaling_changes_nothing_in_float32(
    tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch, accumulate: int
) -> None:
    """fp16's scale is a power of two, so in float32 the weights must come out the same to the bit."""

    def scaling(precision: Literal["fp32"], *, accumulate: int) -> Accelerator:
        accelerator = start_accelerator(precision, accumulate=accumulate)
        accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**16)
        return accelerator

    def final(name: str) -> dict[str, Any]:
        recipe = Recipe.parse(tiny(name=name, accumulate=accumulate), source="test")
        train(recipe)
        path = recipe.folder / "checkpoints" / "step-000004" / "state.pt"
        values: dict[str, Any] = torch.load(path, weights_only=True)
        return values

    plain = final("plain")
    monkeypatch.setattr("ganstyle.runs.run.start_accelerator", scaling)
    scaled = final("scaled")
    assert scaled["scaler"]["scale"] == 2.0**16
    assert scaled["scaler"]["_growth_tracker"] == 4  # one update a step
    for part in ("generator", "average", "discriminator"):
        assert all(torch.equal(value, scaled[part][key]) for key, value in plain[part].items()), part
