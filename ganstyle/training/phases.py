"""The phases of a training, such as small crops and a fast feature network first."""

from collections.abc import Sequence
from dataclasses import dataclass

from accelerate import Accelerator

from ganstyle.data import ContentSource, StyleImages, TrainingData
from ganstyle.images import resize_shorter
from ganstyle.losses import PerceptualLoss, StyleTarget, missing_octaves
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
        reference: the style's Gram matrices as scores measure them, with zeros beyond the border.
    """

    image_size: int
    weights: WeightsFile
    perceptual: PerceptualLoss
    reference: StyleTarget


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
        recipe: without phases of its own, all of it is one.
        accelerator: which of the processes this is; all call it together.
        photos: the content.
        style: the paintings.
        max_strength: see `TrainingData`.

    Raises:
        WeightsError: a feature network is missing or lacks a layer.
        RunError: not all machines have the same one.
    """
    sections, view = recipe.phases or [PhaseSection(until=1.0)], PatchView.of_recipe(recipe)
    networks: dict[str, tuple[WeightsFile, PerceptualLoss, StyleTarget]] = {}
    phases = []
    for section in sections:
        spec = section.vgg or recipe.vgg
        if spec not in networks:
            weights = find_weights(accelerator, spec)
            networks[spec] = (
                weights,
                *_perceptual(recipe, weights, style, accelerator, further=view.layers if view else ()),
            )
        image_size = section.image_size or recipe.image_size
        data = TrainingData(
            photos,
            style,
            image_size=image_size,
            patch_size=view.size if view else None,
            patch_scales=recipe.discriminator.crop_scales if recipe.discriminator else (1.0, 1.0),
            style_size=recipe.style.size,
            seed=recipe.seed,
            max_strength=max_strength if section.strengths else None,
        )
        weights, perceptual, reference = networks[spec]
        end, label = round(section.until * recipe.steps), f"{image_size} px, {weights.name}"
        phases.append(TrainingPhase(end, data, image_size, weights, perceptual, reference, label=label))
    return phases


def unused_octaves(recipe: Recipe, phases: Sequence[TrainingPhase]) -> str | None:
    """Say in one line if the smallest crops, or the painting, are too small for the recipe's octaves."""
    wanted = max(len(recipe.loss.style_octave_weights), len(recipe.loss.content_octave_weights))
    return missing_octaves(min(recipe.style.size, *(phase.image_size for phase in phases)), wanted)


def _perceptual(
    recipe: Recipe,
    weights: WeightsFile,
    style: StyleImages,
    accelerator: Accelerator,
    *,
    further: Sequence[str],
) -> tuple[PerceptualLoss, StyleTarget]:
    """Return the loss of a feature network, and the Gram matrices that a style file keeps.

    The network also returns the maps of ``further`` layers, for the discriminator.
    """
    loss, device = recipe.loss, accelerator.device
    paintings = [resize_shorter(image, recipe.style.size).to(device) for image in style.images]
    octaves = len(loss.style_octave_weights)
    dtype = feature_dtype(accelerator)
    measuring = load_vgg16(weights, loss.layers, dtype=dtype).to(device)
    reference = StyleTarget.from_images(measuring, paintings, octaves=octaves)
    layers = sorted({*loss.layers, *further})
    features = load_vgg16(weights, layers, dtype=dtype, padding="replicate").to(device)
    target = StyleTarget.from_images(features, paintings, octaves=octaves)
    perceptual = PerceptualLoss(
        features,
        target,
        content_layers=loss.content_layers,
        style_layers=loss.style_layers,
        content_octaves=loss.content_octave_weights,
        style_octaves=loss.style_octave_weights[: len(target.octaves)],
    )
    return perceptual, reference
