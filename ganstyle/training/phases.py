"""The phases of a training: such as small crops and a fast feature network at first, the real one last."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from accelerate import Accelerator

from ganstyle.data import ContentSource, StyleImages, TrainingData
from ganstyle.images import resize_shorter
from ganstyle.losses import PerceptualLoss, StyleTarget
from ganstyle.recipe import PhaseSection, Recipe
from ganstyle.runs.launch import feature_dtype, find_weights
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16


@dataclass(frozen=True)
class Phase:
    """A stretch of the training, ready to be run.

    Attributes:
        end: the step that it ends with.
        image_size: side of the photos' crops in pixels.
        weights: the feature network's file.
        perceptual: content and style distance, by that network.
        data: what is drawn; the order goes on from phase to phase.
    """

    end: int
    image_size: int
    weights: WeightsFile
    perceptual: PerceptualLoss
    data: TrainingData


def prepare_phases(
    recipe: Recipe,
    accelerator: Accelerator,
    photos: ContentSource,
    style: StyleImages,
    *,
    max_strength: float | None,
) -> list[Phase]:
    """Make every phase ready, so that what is wrong with the last one shows before the first.

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
    sections = recipe.phases or [PhaseSection(until=1.0)]
    networks: dict[str, tuple[WeightsFile, PerceptualLoss]] = {}
    phases = []
    for section in sections:
        spec = section.vgg or recipe.vgg
        if spec not in networks:
            weights = find_weights(accelerator, spec)
            features = load_vgg16(weights, recipe.loss.layers, dtype=feature_dtype(accelerator))
            networks[spec] = weights, _perceptual(recipe, features.to(accelerator.device), style, accelerator)
        image_size = section.image_size or recipe.image_size
        data = TrainingData(
            photos,
            style,
            image_size=image_size,
            patch_size=recipe.discriminator.patch_size if recipe.discriminator else None,
            style_size=recipe.style.size,
            seed=recipe.seed,
            max_strength=max_strength if section.strengths else None,
        )
        phases.append(Phase(round(section.until * recipe.steps), image_size, *networks[spec], data))
    return phases


def remaining(phases: Sequence[Phase], step: int) -> Iterator[Phase]:
    """Yield the phases that are not over after so many steps."""
    return (phase for phase in phases if phase.end > step)


def _perceptual(
    recipe: Recipe, features: FeatureNetwork, style: StyleImages, accelerator: Accelerator
) -> PerceptualLoss:
    paintings = [resize_shorter(image, recipe.style.size).to(accelerator.device) for image in style.images]
    return PerceptualLoss(
        features,
        StyleTarget.from_images(features, paintings),
        content_layers=recipe.loss.content_layers,
        style_layers=recipe.loss.style_layers,
    )
