"""The phases of a training, such as small crops and a fast feature network first."""

from collections.abc import Sequence
from dataclasses import dataclass

from accelerate import Accelerator
from torch import Tensor

from ganstyle.data import ContentSource, StyleImages, TrainingData
from ganstyle.data.rng import Stream, sample_rng
from ganstyle.images import resize_shorter
from ganstyle.losses import PerceptualLoss, Rings, SlicedWasserstein, StyleTarget, missing_octaves
from ganstyle.losses.pyramid import average_halving
from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.launch import feature_dtype, find_weights
from ganstyle.runs.loop import Phase
from ganstyle.training.patches import PatchView
from ganstyle.weights import WeightsFile, load_vgg16


@dataclass(frozen=True)
class TrainingPhase(Phase):
    """A part of the training of a style.

    Attributes:
        image_size: side of the photos' crops in pixels.
        weights: the feature network's file.
        perceptual: content and style distance, by that network.
        sliced_wasserstein: likewise; None if the recipe gives it no weight.
        rings: measures rings; likewise.
    """

    image_size: int
    weights: WeightsFile
    perceptual: PerceptualLoss
    sliced_wasserstein: SlicedWasserstein | None = None
    rings: Rings | None = None


def prepare_phases(
    recipe: Recipe,
    accelerator: Accelerator,
    photos: ContentSource,
    style: StyleImages,
    *,
    max_strength: float | None,
) -> list[TrainingPhase]:
    """Prepare every phase up front, so that errors in the last one show before the first one runs.

    Args:
        recipe: one without phases is a single phase.
        accelerator: which of the processes this is; all call it together.
        photos: the content.
        style: the paintings.
        max_strength: see `TrainingData`.

    Raises:
        WeightsError: a feature network is missing or lacks a layer.
        RunError: not all machines have the same one.
    """
    sections, view = recipe.phases or [PhaseSection(until=1.0)], PatchView.of_recipe(recipe)
    networks: dict[str, tuple[WeightsFile, PerceptualLoss, SlicedWasserstein | None]] = {}
    rings = Rings.from_images(_paintings(recipe, style, accelerator)) if recipe.loss.rings else None
    phases = []
    for section in sections:
        spec = section.vgg or recipe.vgg
        if spec not in networks:
            weights = find_weights(accelerator, spec)
            further = view.layers if view else ()
            perceptual = _perceptual(recipe, weights, style, accelerator, further=further)
            sliced = _sliced_wasserstein(recipe, perceptual, style, accelerator)
            networks[spec] = (weights, perceptual, sliced)
        image_size = section.image_size or recipe.image_size
        data = TrainingData(
            photos,
            style,
            image_size=image_size,
            patch_size=view.size if view else None,
            crop_scales=recipe.crop_scales,
            patch_scales=recipe.discriminator.crop_scales if recipe.discriminator else (1.0, 1.0),
            style_size=recipe.style.size,
            seed=recipe.seed,
            max_strength=max_strength if section.strengths else None,
        )
        losses = networks[spec]
        end, label = round(section.until * recipe.steps), f"{image_size} px, {losses[0].name}"
        phases.append(TrainingPhase(end, data, image_size, *losses, rings, label=label))
    return phases


def unused_octaves(recipe: Recipe, phases: Sequence[TrainingPhase]) -> str | None:
    """Say in one line if the smallest crops, or the painting, are too small for the recipe's octaves."""
    wanted = max(len(recipe.loss.style_octave_weights), len(recipe.loss.content_octave_weights))
    return missing_octaves(min(recipe.style.size, *(phase.image_size for phase in phases)), wanted)


def measure_reference(
    recipe: Recipe, weights: WeightsFile, style: StyleImages, accelerator: Accelerator
) -> StyleTarget:
    """Return the style's Gram matrices that a style file keeps, by the network that scores measure with.

    That network pads with zeros; the one of the training does not, so as to paint no frame.
    """
    features = load_vgg16(weights, recipe.loss.layers, dtype=feature_dtype(accelerator))
    paintings = _paintings(recipe, style, accelerator)
    octaves = len(recipe.loss.style_octave_weights)
    return StyleTarget.from_images(
        features.to(accelerator.device), paintings, octaves=octaves, halve=average_halving
    )


def _perceptual(
    recipe: Recipe,
    weights: WeightsFile,
    style: StyleImages,
    accelerator: Accelerator,
    *,
    further: Sequence[str],
) -> PerceptualLoss:
    """Return the loss of a feature network, which also returns ``further`` layers, for the discriminator."""
    loss, layers = recipe.loss, sorted({*recipe.loss.layers, *further})
    features = load_vgg16(weights, layers, dtype=feature_dtype(accelerator), padding="replicate")
    features = features.to(accelerator.device)
    paintings = _paintings(recipe, style, accelerator)
    target = StyleTarget.from_images(features, paintings, octaves=len(loss.style_octave_weights))
    return PerceptualLoss(
        features,
        target,
        content_layers=loss.content_layers,
        style_layers=loss.style_layers,
        content_octaves=loss.content_octave_weights,
        style_octaves=loss.style_octave_weights[: len(target.octaves)],
    )


def _sliced_wasserstein(
    recipe: Recipe, perceptual: PerceptualLoss, style: StyleImages, accelerator: Accelerator
) -> SlicedWasserstein | None:
    """Return the distance by the perceptual loss's feature network, if it has a weight."""
    loss = recipe.loss
    if loss.sliced_wasserstein == 0:
        return None
    return SlicedWasserstein.from_images(
        perceptual.features,
        _paintings(recipe, style, accelerator),
        sample_rng(recipe.seed, 0, 1, Stream.SLICES),  # index 0 is the steps'
        layers=loss.style_layers,
        octaves=loss.style_octave_weights,
    )


def _paintings(recipe: Recipe, style: StyleImages, accelerator: Accelerator) -> list[Tensor]:
    return [resize_shorter(image, recipe.style.size).to(accelerator.device) for image in style.images]
