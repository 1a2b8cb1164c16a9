"""What a training records: scores, logs and curves."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ganstyle.errors import RecipeError
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import Event, Progress, Saved, Scored, loop, train

RecipeMaker = Callable[..., dict[str, Any]]


@pytest.mark.parametrize(
    ("select", "sign"), [("weighted", 1), ("style", 1), ("ssim", -1), ("kid_vgg16_style", 1)]
)
@pytest.mark.usefixtures("small_fid")
def test_best_style_follows_the_selected_score(
    tiny: RecipeMaker, photos: Path, select: str, sign: int
) -> None:
    score = {"every": 1, "content": str(photos), "size": 16, "fid": True, "select": select}
    folder = train(Recipe.parse(tiny(steps=3, score=score), source="test")).style.parent
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    candidates = lines[1:]  # step 0 is before any training
    if select == "ssim":  # of generators that paint
        lowest = min(line["style"] for line in candidates)
        candidates = [line for line in candidates if line["style"] <= 1.1 * lowest]
    best = min(candidates, key=lambda line: sign * line[select])
    info = load_style(folder / "best.safetensors").info
    assert info["training"]["steps"] == best["step"]
    assert info["scores"]["style"] == best["style"]


def test_selecting_an_unmeasured_score_is_an_error(tiny: RecipeMaker) -> None:
    with pytest.raises(RecipeError, match="select fid_vgg16_style needs fid: true"):
        Recipe.parse(tiny(score={"select": "fid_vgg16_style"}), source="test")


def test_a_style_holds_scores_of_its_own_step_only(tiny: RecipeMaker, photos: Path) -> None:
    saved: dict[int, dict[str, Any]] = {}
    measured: dict[int, dict[str, float]] = {}

    def look(event: Event) -> None:
        if isinstance(event, Scored):
            measured[event.step] = dict(event.scores)
        if isinstance(event, Saved) and event.path.name == "style.safetensors":
            saved[event.step] = dict(load_style(event.path).info)

    values = tiny(steps=5, score={"every": 2, "content": str(photos), "size": 16})
    values["run"] = values["run"] | {"save_every": 1}
    train(Recipe.parse(values, source="test"), look)
    assert sorted(measured) == [0, 2, 4, 5]
    assert [step for step, info in saved.items() if "scores" in info] == [2, 4, 5]
    for step in (2, 4, 5):
        assert {k: v for k, v in saved[step]["scores"].items() if k != "protocol"} == measured[step]


def test_an_interrupted_style_has_no_scores_of_an_earlier_step(tiny: RecipeMaker, photos: Path) -> None:
    recipe = Recipe.parse(
        tiny(steps=50, score={"every": 2, "content": str(photos), "size": 16}), source="test"
    )

    def interrupt(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    outcome = train(recipe, interrupt)
    assert outcome.step in (3, 4)
    assert "scores" not in load_style(outcome.style).info


def test_logs_average_over_accumulated_batches(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last batch alone says little of a step of four."""
    batches: list[dict[str, float]] = []
    learn = loop._train_on

    def watch(*args: Any) -> dict[str, torch.Tensor]:
        log = learn(*args)
        batches.append({name: float(value) for name, value in log.items()})
        return log

    monkeypatch.setattr(loop, "_train_on", watch)
    recipe = Recipe.parse(tiny(steps=1, accumulate=4, loss={"style": 5.0, "r1": 1.0}), source="test")
    events: list[Event] = []
    train(recipe, events.append)
    (progress,) = [event for event in events if isinstance(event, Progress)]
    assert len(batches) == 4
    for name in ("loss/content", "loss/generator", "loss/discriminator", "loss/r1", "logits/real"):
        values = [batch[name] for batch in batches]
        assert len(set(values)) == 4
        assert progress.values[name] == pytest.approx(sum(values) / 4, rel=1e-5)
    assert progress.values["gradient/generator"] == pytest.approx(batches[-1]["gradient/generator"], rel=1e-5)
    assert "gradient/generator" not in batches[0]


def test_tensorboard_has_every_point_once_after_a_resume(tiny: RecipeMaker, photos: Path) -> None:
    values = tiny(steps=8, score={"every": 2, "content": str(photos), "size": 16})
    values["run"] = values["run"] | {"sample_every": 2, "save_every": 4}
    recipe = Recipe.parse(values, source="test")

    def fail(event: Event) -> None:
        if isinstance(event, Progress) and event.step == 6:
            os.kill(os.getpid(), signal.SIGTERM)

    assert train(recipe, fail).step in (6, 7)
    assert train(recipe).finished
    curves = EventAccumulator(str(recipe.folder / "tensorboard"), size_guidance={"images": 0, "scalars": 0})
    curves.Reload()
    assert [point.step for point in curves.Scalars("loss/generator")] == list(range(1, 9))
    due = {point.step for point in curves.Scalars("score/style")}
    assert due >= {0, 2, 4, 8}
    assert {image.step for image in curves.Images("samples")} == due
