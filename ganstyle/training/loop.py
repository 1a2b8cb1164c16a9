"""The training loop, from a recipe to a style."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator
from torch import Tensor

from ganstyle.data import StyleImages, open_content
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.losses import GAN_LOSSES, draw_motion
from ganstyle.models import MAX_STRENGTH, takes_strength
from ganstyle.recipe import Recipe
from ganstyle.runs.events import OnEvent
from ganstyle.runs.failures import explain_failures
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.loop import RunLoop, RunResult
from ganstyle.runs.progress import mean_of_all
from ganstyle.runs.run import Run, resume_run, start_run
from ganstyle.runs.training_state import TrainingState, follow_schedule
from ganstyle.training.collapse import EVERY, CollapseWatch, diversity
from ganstyle.training.output import StyleOutput
from ganstyle.training.patches import PatchView
from ganstyle.training.phases import TrainingPhase, measure_reference, prepare_phases, unused_octaves
from ganstyle.training.samples import Samples
from ganstyle.training.start import measure_content
from ganstyle.training.state import fresh_state
from ganstyle.training.steps import (
    discriminator_loss,
    generator_adversarial_loss,
    generator_loss,
    paint_crops,
    sample_weight_for,
)
from ganstyle.training.validation import prepare_scores


@dataclass(frozen=True, kw_only=True)
class TrainedStyle(RunResult):
    """How the training of a style ended.

    Attributes:
        style: the latest style, ``runs/NAME/style.safetensors``.
    """

    style: Path


@explain_failures(
    memory="lower batch_size (accumulate=2 makes up for half of it), image_size, style.size or score.size"
)
def train(recipe: Recipe, on_event: OnEvent = lambda event: None) -> TrainedStyle:
    """Train a style; continue it if the run's folder holds a part of the same training.

    Args:
        recipe: what to train, on what, and where to.
        on_event: told of everything that happens, on the main process only.

    Raises:
        GanstyleError: something the user can fix: the data, the weights, the recipe, the disk.
    """
    with start_run(recipe, on_event, accumulate=recipe.accumulate) as run:
        return _train(recipe, run)


def _train(recipe: Recipe, run: Run) -> TrainedStyle:
    accelerator = run.accelerator
    style = StyleImages(recipe.style.path)
    photos = open_content(**recipe.content.options())
    state = fresh_state(recipe, accelerator, warm=run.resume_from is None)
    phases = prepare_phases(
        recipe,
        accelerator,
        photos,
        style,
        max_strength=MAX_STRENGTH if takes_strength(state.average.module) else None,
    )
    weights = phases[-1].weights
    run.say(f"{weights.name}, SHA-256 {weights.sha256[:8]}…, {weights.reason}")
    if missing := unused_octaves(recipe, phases):
        run.say(missing)
    guard = Guard(accelerator, recipe.guard, clip=recipe.optimizer.clip)
    inputs = TrainingInputs([phase.weights for phase in phases], style.paths)
    resume_run(run, state, guard, inputs)
    if state.init and not run.resume_from:
        run.say(f"starts from {state.init['name']}, SHA-256 {state.init['sha256'][:8]}…")
    if recipe.loss.hold_content and not state.content_hold:
        run.say("loss.hold_content holds nothing: this training starts from no style")
    if state.content_hold and not run.resume_from:
        state.content_hold.limit = measure_content(state.average, phases[0], recipe, accelerator)
        run.say(f"holds the content loss at {state.content_hold.limit:.3g}, where it begins")
    samples = Samples(photos, recipe.run.samples, size=min(phases[-1].image_size, 256))
    scores = prepare_scores(recipe, accelerator, weights, style)
    reference = measure_reference(recipe, weights, style, accelerator)
    output = StyleOutput(
        recipe, accelerator, state, phases=phases, reference=reference, samples=samples, scores=scores
    )

    loop, watch = RunLoop(run, state, guard, output, inputs=inputs), CollapseWatch()
    with loop.recording():
        for phase, batches in loop.steps(phases):
            follow_schedule(state, recipe.optimizer, steps=recipe.steps, factor=guard.learning_rate_factor)
            logs = []
            for place, batch in enumerate(batches):
                drawn = state.photos + place * recipe.batch_size * accelerator.num_processes
                logs.append(_train_on(batch, drawn, phase, recipe, accelerator, state, guard))
            state.average.update_parameters(accelerator.unwrap_model(state.generator))
            loop.end_step(
                logs, _adjust(state, accelerator, logs, at_full_strength="strength" not in batches[0])
            )
            for line in watch.update(logs, step=state.step):
                run.say(line)
    return TrainedStyle(style=output.path, **vars(loop.result()))


def _train_on(
    batch: Mapping[str, Tensor],
    drawn: int,
    phase: TrainingPhase,
    recipe: Recipe,
    accelerator: Accelerator,
    state: TrainingState,
    guard: Guard,
) -> dict[str, Tensor]:
    """Train both networks on one batch; they share one forward pass of the generator.

    Args:
        batch: as `TrainingData` makes it.
        drawn: photos that all processes together drew before this batch.
        phase: gives the losses that need a feature network.
        recipe: gives the weights.
        accelerator: which of the processes this is.
        state: the networks.
        guard: takes the steps.

    Returns:
        What to log, scalars.
    """
    strength = batch.get("strength")
    sample_weight = None if strength is None else sample_weight_for(strength)
    weights = state.content_hold.weights(recipe.loss) if state.content_hold else recipe.loss
    networks = [network for network in (state.generator, state.discriminator) if network is not None]
    log: dict[str, Tensor] = {}
    adversarial = motion = maps = sliced = None
    view = PatchView.of_recipe(recipe)
    # The same on all processes, which take the step of one process with all their batches.
    window = sample_rng(recipe.seed, state.photos, 0, Stream.WINDOW)
    with accelerator.accumulate(*networks):
        if weights.temporal > 0:
            rng = sample_rng(recipe.seed, drawn, accelerator.process_index, Stream.MOTION)
            motion = draw_motion(len(batch["content"]), rng)
        picture, photo, temporal = paint_crops(
            state.generator, batch["content"], phase.image_size, window, strength=strength, motion=motion
        )
        if view and state.discriminator and state.discriminator_optimizer:
            gan_loss = GAN_LOSSES[weights.gan]
            rng = sample_rng(recipe.seed, drawn, accelerator.process_index, Stream.AUGMENT)
            r1 = weights.r1 * weights.r1_every if state.step % weights.r1_every == 0 else 0.0
            painting = batch["style"].requires_grad_(r1 > 0)
            real = view.of_paintings(painting, phase.perceptual.features, rng)
            maps = phase.perceptual.picture_features(picture) if view.layers else None
            crop = view.random_crop(phase.image_size, recipe.seed, drawn)
            fake = view.of_pictures(picture, maps[0] if maps else None, crop, rng)
            loss, log = discriminator_loss(
                state.discriminator,
                real,
                fake,
                gan_loss,
                r1=r1,
                pixels=painting,
                sample_weight=sample_weight,
            )
            log |= guard.update("discriminator", state.discriminator, state.discriminator_optimizer, loss)
            adversarial = generator_adversarial_loss(
                accelerator, state.discriminator, fake, gan_loss, sample_weight
            )
        if phase.sliced_wasserstein:
            maps = maps or phase.perceptual.picture_features(picture)
            # Like the window, the same on all processes.
            sliced = phase.sliced_wasserstein(maps, sample_rng(recipe.seed, state.photos, 0, Stream.SLICES))
        loss, generator_log = generator_loss(
            picture,
            photo,
            phase.perceptual,
            weights,
            adversarial=adversarial,
            temporal=temporal,
            sliced_wasserstein=sliced,
            rings=phase.rings(picture) if phase.rings else None,
            maps=maps,
            sample_weight=sample_weight,
        )
        log |= generator_log
        log |= guard.update("generator", state.generator, state.generator_optimizer, loss)
        if (state.step + 1) % EVERY == 0:
            log |= diversity(picture, photo)
    return {name: value.detach() for name, value in log.items()}


def _adjust(
    state: TrainingState,
    accelerator: Accelerator,
    logs: Sequence[Mapping[str, Tensor]],
    *,
    at_full_strength: bool,
) -> dict[str, float]:
    """Adjust what follows the measurements of a step's batches; return the factors, to be logged."""
    factors = {}
    if state.balance:
        state.balance.update(mean_of_all(accelerator, [log["accuracy/discriminator"] for log in logs]))
        factors["balance/learning_rate_factor"] = state.balance.factor
    if state.content_hold and at_full_strength:
        state.content_hold.update(mean_of_all(accelerator, [log["loss/content"] for log in logs]))
        factors["balance/content_factor"] = state.content_hold.factor
    return factors
