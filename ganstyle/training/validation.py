"""Scores on validation photos during training.

No random number is drawn and no gradient is touched, so scoring does not change the result of a run.
"""

from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from ganstyle.data import StyleImages
from ganstyle.data.folder import list_validation_photos, report_unreadable
from ganstyle.errors import RecipeError, RunError
from ganstyle.images import ImageListing
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import YARDSTICK_LAYERS, EvaluationModels, Evaluator, ScoreAccumulator, StyleReference
from ganstyle.metrics.distributions.extractors import vgg16_extractor
from ganstyle.metrics.evaluator import read_scorable
from ganstyle.metrics.similarity.pixels import SSIM_WINDOW
from ganstyle.recipe import Recipe, ScoreSection
from ganstyle.stylize.reflection import paint_reflected
from ganstyle.weights import WeightsFile, load_vgg16


class Scores:
    """Scores a generator on validation photos.

    The processes divide the photos between them.

    Args:
        section: the recipe's ``score``.
        features: the network to measure with, in float32.
        weights: the network's file.
        style: the paintings.
        accelerator: which of the processes this is.
        statistics: where to keep the features of photos and paintings, if FID is measured.

    Attributes:
        photos: the validation photos' files, those of all processes.
        protocol: how the scores come about, as JSON values.

    Raises:
        DataError: there is no such folder, or no photo in it that can be scored.
        RecipeError: the photos would be too small to measure.
        RunError: there are fewer photos than processes.
    """

    def __init__(
        self,
        section: ScoreSection,
        features: FeatureExtractor,
        weights: WeightsFile,
        style: StyleImages,
        accelerator: Accelerator,
        statistics: Path,
    ) -> None:
        listing = find_photos(section, accelerator.num_processes)
        if accelerator.is_main_process:
            report_unreadable(section.content, listing)
        self.photos = photos = listing.images
        self._mine = range(accelerator.process_index, len(photos), accelerator.num_processes)
        device = accelerator.device
        with accelerator.local_main_process_first():  # one process measures what is real, the others read it
            extractor = vgg16_extractor(weights, features, device) if section.fid else None
            self._evaluator = Evaluator(
                photos,
                EvaluationModels(weights, features, extractor, device=device),
                StyleReference.of_paintings(features, style, section.size, device),
                size=section.size,
                statistics=statistics,
            )
        self.protocol = {
            "photos": len(photos),
            "shorter_side": section.size,
            "measure": "yardstick",
            **self._evaluator.protocol,
        }

    @torch.inference_mode()
    def measure(self, generator: nn.Module) -> dict[str, float]:
        """Return the scores over all photos, on every process."""
        accumulator = ScoreAccumulator()
        for number in self._mine:
            photo = self._evaluator.photo(number)
            picture = paint_reflected(generator, photo).float()
            self._evaluator.add(accumulator, number, picture, photo)
        return self._evaluator.scores(gather_object([accumulator]))


def find_photos(section: ScoreSection, processes: int = 1) -> ImageListing:
    """Find the validation photos, and make sure that they can be scored; see `Scores` for what is raised."""
    smallest = SSIM_WINDOW // 2 + 1  # its borders are reflections
    if section.size < smallest:
        raise RecipeError(f"'score.size': scores need {smallest} pixels or more (got {section.size})")
    listing = list_validation_photos(section.content, section.count, read_scorable)
    count = len(listing.images)
    if count < processes:
        raise RunError(f"{section.content}: holds {count} photos to score, fewer than processes")
    return listing


def prepare_scores(
    recipe: Recipe, accelerator: Accelerator, weights: WeightsFile, style: StyleImages
) -> Scores | None:
    """Prepare to score as the recipe asks for; None if it does not.

    Args:
        recipe: says on what, and where the run's folder is.
        accelerator: which of the processes this is.
        weights: of the network to measure with.
        style: the paintings.

    Raises:
        GanstyleError: the photos cannot be scored; see `Scores`.
    """
    if not recipe.score.every:
        return None
    exact = load_vgg16(weights, YARDSTICK_LAYERS).to(accelerator.device)
    return Scores(recipe.score, exact, weights, style, accelerator, statistics=recipe.folder / "statistics")
