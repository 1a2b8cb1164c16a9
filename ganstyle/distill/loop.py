"""Distilling VGG-16: from a recipe to a student."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.data import StyleImages, open_content
from ganstyle.distill.output import StudentOutput, prepare_fidelity
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.distill.state import DistillationState, fresh_state
from ganstyle.distill.views import DistillationData
from ganstyle.errors import WeightsError
from ganstyle.losses import content_loss, gram_matrix, style_loss
from ganstyle.losses.features import FeatureMaps
from ganstyle.models import STUDENT_LAYERS
from ganstyle.runs.events import OnEvent
from ganstyle.runs.failures import explain_failures
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.launch import feature_dtype, find_weights
from ganstyle.runs.loop import Phase, RunLoop, RunResult
from ganstyle.runs.run import Run, resume_run, start_run
from ganstyle.runs.schedule import learning_rate_factor, set_learning_rates
from ganstyle.weights import load_vgg16
from ganstyle.weights.student import is_student

_EQUAL = dict.fromkeys(STUDENT_LAYERS, 1.0)
_POSITIONS = 48  # side of the part of a map that the loss sees

Teacher = Callable[[Tensor], FeatureMaps]


@dataclass(frozen=True, kw_only=True)
class Distilled(RunResult):
    """How a distillation ended.

    Attributes:
        student: the latest student's file, ``runs/NAME/student.safetensors``.
    """

    student: Path


@explain_failures(memory="lower batch_size, image_size or on_policy.pictures")
def distill(recipe: DistillationRecipe, on_event: OnEvent = lambda event: None) -> Distilled:
    """Train a student of VGG-16; continue it if the run's folder holds a part of the same training.

    Args:
        recipe: of the distillation.
        on_event: told of everything that happens, on the main process only.

    Raises:
        GanstyleError: something the user can fix: the data, the teacher, the recipe, the disk.
    """
    with start_run(recipe, on_event) as run:
        return _distill(recipe, run)


def _distill(recipe: DistillationRecipe, run: Run) -> Distilled:
    accelerator = run.accelerator
    weights = find_weights(accelerator, recipe.vgg)
    if is_student(weights.path):
        raise WeightsError(
            f"{weights.path}: is a distilled network itself; distillation needs the ImageNet VGG-16"
        )
    run.say(f"{weights.name}, SHA-256 {weights.sha256[:8]}…, {weights.reason}")
    photos, style = open_content(**recipe.content.options()), StyleImages(recipe.style.path, max_shorter=1024)
    data = DistillationData(photos, style, size=recipe.image_size, seed=recipe.seed)
    state = fresh_state(recipe, accelerator)
    hints = accelerator.unwrap_model(state.student).hints
    teacher = load_vgg16(weights, hints, dtype=feature_dtype(accelerator)).to(accelerator.device)
    guard = Guard(accelerator, recipe.guard, clip=recipe.optimizer.clip)
    inputs = TrainingInputs([weights], style.paths)
    resume_run(run, state, guard, inputs)
    fidelity = prepare_fidelity(recipe, weights, style.images, accelerator)
    output = StudentOutput(recipe, accelerator, state, teacher=weights, fidelity=fidelity)

    images = recipe.batch_size + recipe.on_policy.pictures
    loop = RunLoop(run, state, guard, output, inputs=inputs, images_per_batch=images)
    with loop.recording():
        for _, (batch,) in loop.steps([Phase(recipe.steps, data)]):
            _set_learning_rates(recipe, state, guard)
            if not state.scale:
                state.scale = _scale(teacher, batch["view"], accelerator)
            loop.end_step([_learn(batch, recipe, accelerator, state, teacher, guard)])
    return Distilled(student=output.path, **vars(loop.result()))


def _learn(
    batch: Mapping[str, Tensor],
    recipe: DistillationRecipe,
    accelerator: Accelerator,
    state: DistillationState,
    teacher: Teacher,
    guard: Guard,
) -> dict[str, Tensor]:
    """Train the student on one batch: views of the data, and on-policy pictures."""
    images = batch["view"]
    if state.pictures:
        own = accelerator.unwrap_model(state.student).eval()
        images = torch.cat([images, state.pictures.advance(own, batch["photo"], batch["painting"])])
    state.student.train(state.step < recipe.optimizer.freeze_norm * recipe.steps)
    window = _Window(recipe, state.photos)
    with torch.no_grad():
        truth = {layer: window(maps).float() / state.scale[layer] for layer, maps in teacher(images).items()}
        grams = {layer: gram_matrix(truth[layer]) for layer in STUDENT_LAYERS}
    with accelerator.accumulate(state.student):
        maps = {layer: window(maps) for layer, maps in state.student(images, list(truth)).items()}
        features, gram = content_loss(maps, truth, _EQUAL), style_loss(maps, grams, _EQUAL)
        loss = recipe.loss.features * features + recipe.loss.gram * gram
        log = {"loss/total": loss, "loss/features": features, "loss/gram": gram}
        # In the network's order: that of a set differs between processes, and so would the sum's last bits.
        on_the_way = {layer: 1.0 for layer in truth if layer not in STUDENT_LAYERS}
        if on_the_way:
            log["loss/hints"] = content_loss(maps, truth, on_the_way)
            loss = loss + recipe.loss.hints * log["loss/hints"]
        log |= guard.update("student", state.student, state.optimizer, loss)
    return {name: value.detach() for name, value in log.items()}


class _Window:
    """Crops large feature maps at random, both the teacher's and the student's.

    relu1_2 has 16 times the positions of relu3_3 and is the easiest to learn; on all of them, the loss would
    cost as much as the networks.
    """

    def __init__(self, recipe: DistillationRecipe, photos: int) -> None:
        rng = random.Random(f"{recipe.seed} {photos}")
        self._place = (rng.random(), rng.random())

    def __call__(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[-2:]
        top = round(self._place[0] * max(0, height - _POSITIONS))
        left = round(self._place[1] * max(0, width - _POSITIONS))
        return maps[..., top : top + _POSITIONS, left : left + _POSITIONS]


@torch.no_grad()
def _scale(teacher: Teacher, images: Tensor, accelerator: Accelerator) -> dict[str, float]:
    """Return the root mean square of each of the teacher's maps, averaged over the processes."""
    taught = teacher(images)
    squares = torch.stack([maps.float().square().mean() for maps in taught.values()])
    roots = accelerator.reduce(squares, "mean").sqrt().tolist()
    return dict(zip(taught, roots, strict=True))


def _set_learning_rates(recipe: DistillationRecipe, state: DistillationState, guard: Guard) -> None:
    section = recipe.optimizer
    factor = learning_rate_factor(state.step, steps=recipe.steps, warmup=section.warmup, schedule="cosine")
    set_learning_rates(state.optimizer, (section.lr, section.lr_adam), factor * guard.learning_rate_factor)
