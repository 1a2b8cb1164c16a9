"""The phases of a training for any painting: crops of a size, seen by a feature network."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accelerate import Accelerator

from ganstyle.arbitrary.data import Paintings, PairData
from ganstyle.arbitrary.pairs import PairLoss
from ganstyle.arbitrary.recipe import AnyRecipe
from ganstyle.data import open_content
from ganstyle.models.distilled import STUDENT_LAYERS, check_layers
from ganstyle.recipe.schema import CropPhaseSection
from ganstyle.runs.launch import feature_dtype, find_weights
from ganstyle.runs.loop import Phase
from ganstyle.weights import WeightsFile, load_vgg16


@dataclass(frozen=True)
class PairPhase(Phase):
    """A part of a training for any painting.

    Attributes:
        data: the pairs.
        image_size: side of the crops in pixels.
        weights: the feature network's file.
        loss: of pairs, by that network.
    """

    data: PairData
    image_size: int
    weights: WeightsFile
    loss: PairLoss


def prepare_phases(recipe: AnyRecipe, accelerator: Accelerator, held_out: Sequence[Path]) -> list[PairPhase]:
    """Prepare every phase up front, so that errors in the last one show before the first one runs.

    Args:
        recipe: without phases of its own, all of it is one.
        accelerator: which of the processes this is; all call it together.
        held_out: paintings that are not trained on.

    Raises:
        WeightsError: a feature network is missing or lacks a layer.
        RunError: not all machines have the same one.
        DataError: there are no photos or no paintings.
    """
    photos, paintings = open_content(**recipe.content.options()), Paintings(recipe.style.path, held_out)
    dtype, device = feature_dtype(accelerator), accelerator.device
    octaves = recipe.generator.options.get("octaves", 3)
    distilled = find_weights(accelerator, "distilled")
    # In use there is no other network at hand, so the encoder always sees with this one.
    encoding = load_vgg16(distilled, list(STUDENT_LAYERS), dtype=dtype, padding="replicate").to(device)
    losses: dict[str, tuple[WeightsFile, PairLoss]] = {}
    phases = []
    for section in recipe.phases or [CropPhaseSection(until=1.0)]:
        spec = section.vgg or recipe.vgg
        if spec not in losses:
            weights = find_weights(accelerator, spec)
            features = encoding
            if weights.sha256 == distilled.sha256:
                check_layers(recipe.loss.layers)
            else:
                features = load_vgg16(weights, recipe.loss.layers, dtype=dtype, padding="replicate").to(
                    device
                )
            losses[spec] = weights, PairLoss(features, encoding, recipe.loss, octaves=octaves)
        weights, loss = losses[spec]
        image_size = section.image_size or recipe.image_size
        data = PairData(
            photos,
            paintings,
            image_size=image_size,
            crop_scales=recipe.crop_scales,
            style_size=recipe.style.size,
            scales=recipe.style.scales,
            colors=recipe.style.colors,
            identity=recipe.loss.identity,
            seed=recipe.seed,
            real=recipe.discriminator is not None,
        )
        end, label = round(section.until * recipe.steps), f"{image_size} px, {weights.name}"
        phases.append(PairPhase(end, data, image_size, weights, loss, label=label))
    return phases
