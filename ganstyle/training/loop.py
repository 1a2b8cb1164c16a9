"""The training loop, from a recipe to a style."""

import random
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor
from torch.optim import Adam, Optimizer
from torch.optim.swa_utils import AveragedModel

from ganstyle.data import StyleImages, open_content
from ganstyle.losses import GAN_LOSSES
from ganstyle.metrics import YARDSTICK_LAYERS
from ganstyle.models import DISCRIMINATORS, MAX_STRENGTH, takes_strength
from ganstyle.recipe import Recipe
from ganstyle.runs.events import Event, Message, OnEvent
from ganstyle.runs.guard import Guard
from ganstyle.runs.interrupt import Interrupt, Listener
from ganstyle.runs.launch import start_accelerator, start_loader
from ganstyle.runs.lock import lock_run
from ganstyle.runs.optimizers import KernelMuon
from ganstyle.runs.resume import claim_folder, find_state, how_to_continue
from ganstyle.runs.schedule import EMA, learning_rate_factor, set_learning_rates
from ganstyle.runs.state import check_agreement, load_state
from ganstyle.style import build_generator, warm_start
from ganstyle.training.phases import Phase, missing_octaves, prepare_phases, remaining
from ganstyle.training.samples import Samples
from ganstyle.training.state import TrainingState
from ganstyle.training.steps import (
    Crop,
    discriminator_loss,
    generator_adversarial_loss,
    generator_loss,
    sample_weight_for,
)
from ganstyle.training.validation import Scores
from ganstyle.training.writer import RunWriter
from ganstyle.weights import load_vgg16


@dataclass(frozen=True)
class Outcome:
    """What a training left behind.

    Attributes:
        style: the latest style, ``runs/NAME/style.safetensors``.
        step: steps done.
        finished: False if it was interrupted.
        scores: the last scores, if any were taken.
    """

    style: Path
    step: int
    finished: bool
    scores: Mapping[str, float] = field(default_factory=dict)


def train(recipe: Recipe, on_event: OnEvent = lambda event: None) -> Outcome:
    """Train a style; continue it if the run's folder holds a part of the same training.

    Args:
        recipe: what to train, on what, and where to.
        on_event: told of everything that happens, on the main process only.

    Raises:
        GanstyleError: something the user can mend: the data, the weights, the recipe, the disk.
    """
    accelerator = start_accelerator(recipe.precision, accumulate=recipe.accumulate)
    listener = Listener(on_event, accelerator)
    with lock_run(recipe.folder, accelerator):
        outcome = _train(recipe, accelerator, listener)
    listener.close()
    return outcome


def _train(recipe: Recipe, accelerator: Accelerator, on_event: OnEvent) -> Outcome:
    device = accelerator.device

    def report(event: Event) -> None:
        if accelerator.is_main_process:
            on_event(event)

    def say(text: str) -> None:
        report(Message(text))

    resume_from = find_state(recipe, say)
    style = StyleImages(recipe.style.path)
    photos = open_content(**recipe.content.options())
    state = _fresh_state(recipe, accelerator, warm=resume_from is None)
    phases = prepare_phases(
        recipe,
        accelerator,
        photos,
        style,
        max_strength=MAX_STRENGTH if takes_strength(state.average.module) else None,
    )
    weights = phases[-1].weights
    report(Message(f"{weights.name}, SHA-256 {weights.sha256[:8]}…, {weights.reason}"))
    if missing := missing_octaves(recipe, phases):
        report(Message(missing))
    if resume_from:
        load_state(resume_from, state, accelerator)
        report(Message(f"resumed from {resume_from} at step {state.step}"))
    elif state.init:
        report(Message(f"begins as {state.init['name']}, SHA-256 {state.init['sha256'][:8]}…"))
    scores = None
    if recipe.score.every:
        exact = load_vgg16(weights, YARDSTICK_LAYERS).to(device)
        scores = Scores(
            recipe.score, exact, weights, style, accelerator, statistics=recipe.folder / "statistics"
        )
    if accelerator.is_main_process:
        claim_folder(recipe, resume_from, say)

    writer = RunWriter(
        recipe,
        accelerator,
        state,
        phases=phases,
        samples=Samples(photos, recipe.run.samples, size=min(phases[-1].image_size, 256)),
        scores=scores,
        on_event=report,
    )
    guard = Guard(accelerator, clip=recipe.optimizer.clip)
    stopped = False
    with closing(writer), Interrupt(accelerator) as interrupt:
        writer.begin()
        for phase in remaining(phases, state.step):
            if len(phases) > 1:
                report(Message(f"up to step {phase.end}: {phase.image_size} px, {phase.weights.name}"))
            batches = iter(start_loader(phase.data, recipe, accelerator, photos=state.photos))
            while state.step < phase.end and not stopped:
                started = time.perf_counter()
                _set_learning_rates(recipe, state)
                for _ in range(recipe.accumulate):
                    batch = {k: v.to(device, non_blocking=True) for k, v in next(batches).items()}
                    log = _train_on(batch, phase, recipe, accelerator, state, guard)
                    state.photos += recipe.batch_size * accelerator.num_processes
                state.average.update_parameters(accelerator.unwrap_model(state.generator))
                state.step += 1
                state.seconds += time.perf_counter() - started
                stopped = interrupt.requested()
                writer.after_step(log, stopping=stopped)
            if stopped:
                break
    finished = state.step >= recipe.steps
    outcome = Outcome(recipe.folder / "style.safetensors", state.step, finished, writer.last_scores)
    if accelerator.num_processes > 1:
        check_agreement(accelerator, state.generator, state.step)
        report(Message(f"all {accelerator.num_processes} processes hold the same weights"))
    if finished:
        measured = "".join(f", {name} {value:.3f}" for name, value in outcome.scores.items())
        report(Message(f"done: {outcome.style} after {state.step} steps{measured}"))
    else:
        report(Message(f"stopped at step {state.step}; {how_to_continue(recipe)}"))
    return outcome


def _train_on(
    batch: Mapping[str, Tensor],
    phase: Phase,
    recipe: Recipe,
    accelerator: Accelerator,
    state: TrainingState,
    guard: Guard,
) -> dict[str, Tensor]:
    """Let both networks learn from one batch; they share one forward pass of the generator."""
    photo, strength = batch["content"], batch.get("strength")
    sample_weight = None if strength is None else sample_weight_for(strength)
    weights = recipe.loss
    networks = [p for p in (state.generator, state.discriminator) if p is not None]
    log: dict[str, Tensor] = {}
    adversarial = None
    with accelerator.accumulate(*networks):
        picture = state.generator(photo) if strength is None else state.generator(photo, strength)
        if recipe.discriminator and state.discriminator and state.discriminator_optimizer:
            gan_loss = GAN_LOSSES[weights.gan]
            patch = _random_crop(
                phase.image_size, recipe.discriminator.patch_size, recipe.seed, state.photos
            ).of(picture)
            r1 = weights.r1 * weights.r1_every if state.step % weights.r1_every == 0 else 0.0
            loss, log = discriminator_loss(
                state.discriminator, batch["style"], patch, gan_loss, r1=r1, sample_weight=sample_weight
            )
            accelerator.backward(loss)
            log["gradient/discriminator"] = guard.update(state.discriminator, state.discriminator_optimizer)
            adversarial = generator_adversarial_loss(
                accelerator, state.discriminator, patch, gan_loss, sample_weight
            )
        loss, generator_log = generator_loss(
            picture, photo, phase.perceptual, weights, adversarial=adversarial, sample_weight=sample_weight
        )
        accelerator.backward(loss)
        log |= generator_log
        log["gradient/generator"] = guard.update(state.generator, state.generator_optimizer)
    return {name: value.detach() for name, value in log.items()}


def _random_crop(image_size: int, size: int, seed: int, photos: int) -> Crop:
    """Choose which part of the pictures the discriminator sees: the same on every process."""
    rng = random.Random(f"{seed} {photos}")
    room = image_size - size
    return Crop(rng.randint(0, room), rng.randint(0, room), size)


def _fresh_state(recipe: Recipe, accelerator: Accelerator, *, warm: bool) -> TrainingState:
    """Build the networks; ``warm``: with the weights of the style that ``init`` names, if it names one."""
    set_seed(recipe.seed)
    generator = build_generator(recipe)
    init = warm_start(generator, recipe.init) if recipe.init and warm else None
    generator.to(accelerator.device)
    # Copied before Accelerate wraps the generator's forward: the average always computes in float32.
    average = AveragedModel(generator, multi_avg_fn=EMA(recipe.ema)).eval().requires_grad_(False)
    betas = recipe.optimizer.betas
    optimizer: Optimizer = Adam(generator.parameters(), lr=recipe.optimizer.lr, betas=betas)
    if recipe.optimizer.lr_muon:
        optimizer = KernelMuon(
            generator, lr=recipe.optimizer.lr_muon, lr_adam=recipe.optimizer.lr, betas=betas
        )
    generator, generator_optimizer = accelerator.prepare(generator, optimizer)
    state = TrainingState(generator, average, generator_optimizer, init=init)
    if recipe.discriminator:
        discriminator = DISCRIMINATORS[recipe.discriminator.name](**recipe.discriminator.options)
        discriminator.to(accelerator.device)
        optimizer = Adam(discriminator.parameters(), lr=recipe.optimizer.lr_discriminator, betas=betas)
        state.discriminator, state.discriminator_optimizer = accelerator.prepare(discriminator, optimizer)
    return state


def _set_learning_rates(recipe: Recipe, state: TrainingState) -> None:
    section = recipe.optimizer
    factor = learning_rate_factor(
        state.step, steps=recipe.steps, warmup=section.warmup, schedule=section.schedule
    )
    rates = (section.lr_muon, section.lr) if section.lr_muon else (section.lr,)
    set_learning_rates(state.generator_optimizer, rates, factor)
    if state.discriminator_optimizer:
        set_learning_rates(state.discriminator_optimizer, (section.lr_discriminator,), factor)
