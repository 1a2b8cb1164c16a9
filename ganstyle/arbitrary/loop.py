"""The training of a generator for any painting, from a recipe to its file."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.arbitrary.adversary import adversarial_loss, discriminator_loss
from ganstyle.arbitrary.data import find_held_out
from ganstyle.arbitrary.output import AnyOutput
from ganstyle.arbitrary.phases import PairPhase, prepare_phases
from ganstyle.arbitrary.recipe import AnyRecipe
from ganstyle.arbitrary.state import fresh_state
from ganstyle.data.periodic import make_periodic, random_window
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.losses import GAN_LOSSES
from ganstyle.models import wrapping_around
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.runs.events import OnEvent
from ganstyle.runs.failures import explain_failures
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.loop import RunLoop, RunResult
from ganstyle.runs.run import Run, resume_run, start_run
from ganstyle.runs.training_state import TrainingState, follow_schedule


@dataclass(frozen=True, kw_only=True)
class TrainedAny(RunResult):
    """How the training ended.

    Attributes:
        style: the latest generator, ``runs/NAME/style.safetensors``.
    """

    style: Path


@explain_failures(memory="lower batch_size, image_size or score.size")
def train_any(recipe: AnyRecipe, on_event: OnEvent = lambda event: None) -> TrainedAny:
    """Train a generator for any painting; continue it if the run's folder holds a part of the same training.

    Args:
        recipe: what to train, on what, and where to.
        on_event: told of everything that happens, on the main process only.

    Raises:
        GanstyleError: something the user can fix: the data, the weights, the recipe, the disk.
    """
    with start_run(recipe, on_event) as run:
        return _train(recipe, run)


def _train(recipe: AnyRecipe, run: Run) -> TrainedAny:
    accelerator = run.accelerator
    held_out = find_held_out(recipe.style.path, recipe.style.held_out)
    phases = prepare_phases(recipe, accelerator, held_out)
    data, weights = phases[-1].data, phases[-1].weights
    run.say(f"{len(data.paintings)} paintings, {len(held_out)} held out")
    run.say(f"{weights.name}, SHA-256 {weights.sha256[:8]}…, {weights.reason}")
    state = fresh_state(recipe, accelerator, warm=run.resume_from is None)
    guard = Guard(accelerator, recipe.guard, clip=recipe.optimizer.clip)
    inputs = TrainingInputs([phase.weights for phase in phases])
    resume_run(run, state, guard, inputs)
    output = AnyOutput(recipe, accelerator, state, phases, held_out)

    loop = RunLoop(run, state, guard, output, inputs=inputs)
    with loop.recording():
        for phase, (batch,) in loop.steps(phases):
            follow_schedule(state, recipe.optimizer, steps=recipe.steps, factor=guard.learning_rate_factor)
            window = sample_rng(recipe.seed, state.photos, 0, Stream.WINDOW)  # on all processes
            log = _train_on(batch, phase, window, recipe, accelerator, state, guard)
            state.average.update_parameters(accelerator.unwrap_model(state.generator))
            loop.end_step([log])
    return TrainedAny(style=output.path, **vars(loop.result()))


def _train_on(
    batch: Mapping[str, Tensor],
    phase: PairPhase,
    window: np.random.Generator,
    recipe: AnyRecipe,
    accelerator: Accelerator,
    state: TrainingState,
    guard: Guard,
) -> dict[str, Tensor]:
    """Train the networks on one batch of pairs, as `PairData` makes them; return what to log, scalars."""
    view = phase.loss.view(batch["style"])
    networks = [network for network in (state.generator, state.discriminator) if network is not None]
    log: dict[str, Tensor] = {}
    adversarial = None
    with accelerator.accumulate(*networks):
        photo = make_periodic(batch["content"], phase.image_size)
        with wrapping_around(state.generator):
            picture = state.generator(photo, view.octaves)
        picture, photo = random_window([picture, photo], phase.image_size, window)
        if state.discriminator and state.discriminator_optimizer:
            gan_loss = GAN_LOSSES[recipe.loss.gan]
            average = cast(ModulatedGenerator, state.average.module)
            with torch.no_grad():
                code = average.encode(view.octaves)  # changes more slowly than the generator's own
            loss, log = discriminator_loss(state.discriminator, picture, batch["real"], code, gan_loss)
            log |= guard.update("discriminator", state.discriminator, state.discriminator_optimizer, loss)
            adversarial = adversarial_loss(accelerator, state.discriminator, picture, code, gan_loss)
        loss, generator_log = phase.loss(picture, photo, view, adversarial)
        log |= generator_log
        log |= guard.update("generator", state.generator, state.generator_optimizer, loss)
    return {name: value.detach() for name, value in log.items()}
