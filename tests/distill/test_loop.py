import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open

from ganstyle.distill import DistillationRecipe, distill
from ganstyle.errors import GanstyleError, RunError
from ganstyle.losses import content_loss
from ganstyle.models import VGG16Student
from ganstyle.training import Event, Message, Progress, Saved, Scored
from ganstyle.weights import find_vgg16, load_vgg16
from ganstyle.weights.student import is_student, load_student, save_student

RecipeMaker = Callable[..., dict[str, Any]]
ROOT = Path(__file__).parents[2]


def parse(values: dict[str, Any]) -> DistillationRecipe:
    return DistillationRecipe.parse(values, source="test")


def test_distillation_lowers_the_loss(tiny: RecipeMaker, photos: Path) -> None:
    values = tiny(
        steps=60,
        run=tiny()["run"] | {"save_every": 0, "log_every": 60},
        score={"every": 30, "content": str(photos), "count": 2, "size": 24},
    )
    events: list[Event] = []
    outcome = distill(parse(values), events.append)
    assert outcome.finished
    assert outcome.step == 60
    early, late = [event.scores for event in events if isinstance(event, Scored)]
    assert late["error"] < 0.9 * early["error"] < 0.9
    assert {"features/relu1_2", "gram/relu3_3"} <= late.keys()
    logged = [event.values.keys() for event in events if isinstance(event, Progress)]
    assert logged
    assert all(names >= {"loss/features", "loss/gram", "loss/hints"} for names in logged)
    lines = [json.loads(x) for x in (outcome.student.parent / "scores.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [30, 60]


def test_student_file_has_provenance_and_is_usable(tiny: RecipeMaker, vgg16_weights: Path) -> None:
    outcome = distill(parse(tiny()))
    assert is_student(outcome.student)
    with safe_open(outcome.student, framework="pt") as file:
        info = json.loads(file.metadata()["info"])
    assert info["teacher"]["sha256"] == find_vgg16(str(vgg16_weights)).sha256
    assert info["recipe"]["student"]["widths"] == [4, 64, 4, 128, 8, 256, 256]
    assert info["training"]["steps"] == 4
    features = load_vgg16(find_vgg16(str(outcome.student)), ["relu1_2", "relu3_3"])
    assert features(torch.rand(1, 3, 8, 8))["relu3_3"].shape == (1, 256, 2, 2)


def _state(recipe: DistillationRecipe, step: int) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


class _Stop(Exception):  # noqa: N818 — what happens when the machine fails
    pass


def test_interrupted_distillation_resume_bit_exact(tiny: RecipeMaker) -> None:
    straight = parse(tiny(name="straight", steps=8))
    distill(straight)
    broken = parse(tiny(name="broken", steps=8))

    def fail(event: Event) -> None:
        if isinstance(event, Saved) and event.path.name == "step-000004":
            raise _Stop

    with pytest.raises(_Stop):
        distill(broken, fail)
    notes: list[str] = []
    distill(broken, lambda event: notes.append(event.text) if isinstance(event, Message) else None)
    assert any("resumed from" in note and "step 4" in note for note in notes)
    one, two = _state(straight, 8), _state(broken, 8)
    for key in ("student", "scale"):
        for name, value in one[key].items():
            assert torch.equal(torch.as_tensor(value), torch.as_tensor(two[key][name])), name
    assert torch.equal(one["pictures"][0]["pool"], two["pictures"][0]["pool"])


def test_batch_norm_statistics_are_frozen_at_the_end(tiny: RecipeMaker) -> None:
    """In the last part its statistics no longer move, so that the folded student is the one that learns."""
    recipe = parse(
        tiny(steps=6, optimizer={"freeze_norm": 0.5}, run=tiny()["run"] | {"save_every": 3, "keep": 2})
    )
    distill(recipe)
    early, late = _state(recipe, 3)["student"], _state(recipe, 6)["student"]
    for key in early:
        if "running_mean" in key:
            assert torch.equal(early[key], late[key])
        elif early[key].dim() == 4:
            assert not torch.equal(early[key], late[key])


def test_distillation_without_optimized_images(tiny: RecipeMaker) -> None:
    recipe = parse(tiny(steps=2, on_policy={"pictures": 0}))
    assert distill(recipe).finished
    assert _state(recipe, 2)["pictures"] == []


def test_another_recipe_does_not_resume_a_run(tiny: RecipeMaker) -> None:
    distill(parse(tiny(steps=2)))
    with pytest.raises(RunError, match="seed: 0 -> 1"):
        distill(parse(tiny(steps=2, seed=1)))


def test_student_as_teacher_is_refused(tiny: RecipeMaker, tmp_path: Path) -> None:
    path = tmp_path / "student.safetensors"
    save_student(path, VGG16Student((4, 64, 4, 128, 8, 8, 256)), {})
    with pytest.raises(GanstyleError, match="distillation needs the ImageNet VGG-16"):
        distill(parse(tiny(vgg=str(path))))
    assert load_student(path)


def test_invalid_recipes_are_refused(tiny: RecipeMaker) -> None:
    for changes, message in (
        ({"on_policy": {"pictures": 5, "pool": 2}}, "enlarge the pool"),
        ({"student": {"ranks": [3, 2, 1]}}, "7 each"),
        ({"student": {"width": [3, 2, 1]}}, "did you mean 'student.widths'"),
        ({"generator": {"name": "resnet"}}, "unknown key 'generator'"),
    ):
        with pytest.raises(GanstyleError, match=message) as caught:
            parse(tiny(**changes))
        assert "\n" not in str(caught.value)


def test_shipped_recipe_is_valid() -> None:
    path = ROOT / "recipes" / "distill" / "vgg16.yaml"
    assert DistillationRecipe.load(path).on_policy.pictures > 0
    assert path.read_text().startswith(
        "# GANSTYLE_VGG16=FILE accelerate launch -m ganstyle distill distill/vgg16 "
    )


def test_hint_losses_are_summed_in_layer_order(tiny: RecipeMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The order of a set differs from process to process; a resumed run would end in other bits."""
    orders: list[list[str]] = []

    def recording(features: Any, target: Any, weights: Any) -> torch.Tensor:
        orders.append(list(weights))
        return content_loss(features, target, weights)

    monkeypatch.setattr("ganstyle.distill.loop.content_loss", recording)
    student = {"widths": [64, 64, 128, 128, 256, 256, 256], "ranks": [0, 2, 2, 2, 2, 2, 2]}
    distill(parse(tiny(steps=1, student=student)))
    assert orders == [["relu1_2", "relu2_2", "relu3_3"], ["relu1_1", "relu2_1", "relu3_1", "relu3_2"]]
