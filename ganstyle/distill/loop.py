"""Distilling VGG-16: from a recipe to a student."""

import random
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn

from ganstyle.data import StyleImages, open_content
from ganstyle.distill.fidelity import Fidelity
from ganstyle.distill.pictures import OnPolicyPictures
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.distill.state import DistillationState
from ganstyle.distill.views import DistillationData
from ganstyle.distill.writer import DistillationWriter
from ganstyle.errors import WeightsError
from ganstyle.losses import content_loss, gram_matrix, style_loss
from ganstyle.losses.perceptual import FeatureMaps
from ganstyle.models import STUDENT_LAYERS, VGG16Student
from ganstyle.runs.events import Event, Message, OnEvent
from ganstyle.runs.guard import Guard
from ganstyle.runs.interrupt import Interrupt, Listener
from ganstyle.runs.launch import feature_dtype, find_weights, start_accelerator, start_loader
from ganstyle.runs.lock import lock_run
from ganstyle.runs.optimizers import KernelMuon
from ganstyle.runs.resume import claim_folder, find_state, how_to_continue
from ganstyle.runs.schedule import learning_rate_factor, set_learning_rates
from ganstyle.runs.state import load_state
from ganstyle.style import load_style
from ganstyle.weights import load_vgg16
from ganstyle.weights.student import is_student

_EQUAL = dict.fromkeys(STUDENT_LAYERS, 1.0)
_POSITIONS = 48  # side of the part of a map that the loss sees

Teacher = Callable[[Tensor], FeatureMaps]


@dataclass(frozen=True)
class Distilled:
    """What a distillation left behind.

    Attributes:
        student: the latest student's file, ``runs/NAME/student.safetensors``.
        step: steps done.
        finished: False if it was interrupted.
        scores: the last scores, if any were taken.
    """

    student: Path
    step: int
    finished: bool
    scores: Mapping[str, float] = field(default_factory=dict)


def distill(recipe: DistillationRecipe, on_event: OnEvent = lambda event: None) -> Distilled:
    """Train a student of VGG-16; continue it if the run's folder holds a part of the same training.

    Args:
        recipe: who teaches what to whom, on what, and where to.
        on_event: told of everything that happens, on the main process only.

    Raises:
        GanstyleError: something the user can mend: the data, the teacher, the recipe, the disk.
    """
    accelerator = start_accelerator(recipe.precision, accumulate=1)
    listener = Listener(on_event, accelerator)
    with lock_run(recipe.folder, accelerator):
        outcome = _distill(recipe, accelerator, listener)
    listener.close()
    return outcome


def _distill(recipe: DistillationRecipe, accelerator: Accelerator, on_event: OnEvent) -> Distilled:
    device = accelerator.device

    def report(event: Event) -> None:
        if accelerator.is_main_process:
            on_event(event)

    def say(text: str) -> None:
        report(Message(text))

    resume_from = find_state(recipe, say)
    weights = find_weights(accelerator, recipe.vgg)
    if is_student(weights.path):
        raise WeightsError(f"{weights.path}: is a student itself; teaching needs the ImageNet VGG-16")
    report(Message(f"{weights.name}, SHA-256 {weights.sha256[:8]}…, {weights.reason}"))
    photos, style = open_content(**recipe.content.options()), StyleImages(recipe.style.path, max_shorter=1024)
    data = DistillationData(photos, style, size=recipe.image_size, seed=recipe.seed)
    state = _fresh_state(recipe, accelerator)
    hints = accelerator.unwrap_model(state.student).hints
    teacher = load_vgg16(weights, hints, dtype=feature_dtype(accelerator)).to(device)
    if resume_from:
        load_state(resume_from, state, accelerator)
        report(Message(f"resumed from {resume_from} at step {state.step}"))
    fidelity = None
    if recipe.score.every:
        exact = load_vgg16(weights, list(STUDENT_LAYERS)).to(device)
        fidelity = Fidelity(recipe.score, style.images, exact, device)
    if accelerator.is_main_process:
        claim_folder(recipe, resume_from, say)
    loader = start_loader(data, recipe, accelerator, photos=state.photos)
    record = DistillationWriter(
        recipe, accelerator, state, teacher=weights, fidelity=fidelity, on_event=report
    )
    guard = Guard(accelerator, clip=recipe.optimizer.clip)
    stopped = False
    with closing(record), Interrupt(accelerator) as interrupt:
        batches = iter(loader)
        while state.step < recipe.steps and not stopped:
            started = time.perf_counter()
            batch = {k: v.to(device, non_blocking=True) for k, v in next(batches).items()}
            if not state.scale:
                state.scale = _scale(teacher, batch["view"], accelerator)
            log = _learn(batch, recipe, accelerator, state, teacher, guard)
            state.photos += recipe.batch_size * accelerator.num_processes
            state.step += 1
            state.seconds += time.perf_counter() - started
            stopped = interrupt.requested()
            record.after_step(log, stopping=stopped)
    finished = state.step >= recipe.steps
    if finished:
        report(Message(f"done: {record.student} after {state.step} steps"))
    else:
        report(Message(f"stopped at step {state.step}; {how_to_continue(recipe)}"))
    return Distilled(record.student, state.step, finished, record.last_scores)


def _learn(
    batch: Mapping[str, Tensor],
    recipe: DistillationRecipe,
    accelerator: Accelerator,
    state: DistillationState,
    teacher: Teacher,
    guard: Guard,
) -> dict[str, Tensor]:
    """Let the student learn from one batch: views of the data, and pictures of its own making."""
    images = batch["view"]
    if state.pictures:
        own = accelerator.unwrap_model(state.student).eval()
        images = torch.cat([images, state.pictures.advance(own, batch["photo"], batch["painting"])])
    settled = state.step >= recipe.optimizer.freeze_norm * recipe.steps
    state.student.train(not settled)
    _set_learning_rates(recipe, state)
    cut = _Window(recipe, state.photos)
    with torch.no_grad():
        truth = {layer: cut(maps).float() / state.scale[layer] for layer, maps in teacher(images).items()}
        grams = {layer: gram_matrix(truth[layer]) for layer in STUDENT_LAYERS}
    with accelerator.accumulate(state.student):
        maps = {layer: cut(maps) for layer, maps in state.student(images, list(truth)).items()}
        features, gram = content_loss(maps, truth, _EQUAL), style_loss(maps, grams, _EQUAL)
        loss = recipe.loss.features * features + recipe.loss.gram * gram
        log = {"loss/total": loss, "loss/features": features, "loss/gram": gram}
        # In the network's order: a set's differs from process to process, and with it the last bits of a sum.
        on_the_way = {layer: 1.0 for layer in truth if layer not in STUDENT_LAYERS}
        if on_the_way:
            log["loss/hints"] = content_loss(maps, truth, on_the_way)
            loss = loss + recipe.loss.hints * log["loss/hints"]
        accelerator.backward(loss)
        log["gradient/student"] = guard.update(state.student, state.optimizer)
    return {name: value.detach() for name, value in log.items()}


class _Window:
    """Cuts a random part out of large maps, the same from the teacher's as from the student's.

    relu1_2 has sixteen times the positions of relu3_3 and is the easiest to learn; all of them would make
    the loss cost as much as the networks.
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
    """Return the root mean square of each of the teacher's maps, the same on every process."""
    taught = teacher(images)
    squares = torch.stack([maps.float().square().mean() for maps in taught.values()])
    roots = accelerator.reduce(squares, "mean").sqrt().tolist()
    return dict(zip(taught, roots, strict=True))


def _set_learning_rates(recipe: DistillationRecipe, state: DistillationState) -> None:
    section = recipe.optimizer
    factor = learning_rate_factor(state.step, steps=recipe.steps, warmup=section.warmup, schedule="cosine")
    set_learning_rates(state.optimizer, (section.lr, section.lr_adam), factor)


def _fresh_state(recipe: DistillationRecipe, accelerator: Accelerator) -> DistillationState:
    set_seed(recipe.seed)
    student: nn.Module = VGG16Student(**recipe.student.model_dump(), norm=True).to(accelerator.device)
    section = recipe.optimizer
    optimizer = KernelMuon(student, lr=section.lr, lr_adam=section.lr_adam, weight_decay=section.weight_decay)
    student, optimizer = accelerator.prepare(student, optimizer)
    pictures = None
    if recipe.on_policy.pictures:
        pictures = OnPolicyPictures(
            recipe.on_policy,
            size=recipe.image_size,
            seed=recipe.seed,
            rank=accelerator.process_index,
            styles=[load_style(name).generator.to(accelerator.device) for name in recipe.on_policy.styles],
            device=accelerator.device,
        )
    return DistillationState(student, optimizer, pictures)
