"""What the training of a style makes: the style's file, samples of it, and its scores."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.runs.comparison import describe_comparison
from ganstyle.runs.history import BEST
from ganstyle.runs.provenance import describe_generator
from ganstyle.runs.training_state import TrainingState
from ganstyle.style import save_style
from ganstyle.training.phases import TrainingPhase
from ganstyle.training.samples import Samples
from ganstyle.training.validation import Scores


class StyleOutput:
    """The averaged generator as a `RunOutput`.

    Args:
        recipe: what is trained, and how often it is looked at.
        accelerator: which of the processes this is.
        state: the training, as it changes.
        phases: the training's phases; the style file names their feature networks.
        reference: the style's Gram matrices, which the style file keeps.
        samples: the photos to watch.
        scores: how to score; None if the recipe does not ask for it.
    """

    def __init__(
        self,
        recipe: Recipe,
        accelerator: Accelerator,
        state: TrainingState,
        *,
        phases: Sequence[TrainingPhase],
        reference: StyleTarget,
        samples: Samples,
        scores: Scores | None,
    ) -> None:
        self.path = recipe.folder / "style.safetensors"
        self.best: Path | None = recipe.folder / BEST
        self.select: str = recipe.score.select
        self.comparison: Mapping[str, Any] = {}
        if scores:
            self.comparison = describe_comparison(
                recipe.loss, scores.protocol, photos=scores.photos, select=recipe.score.select
            )
        self.sample_every = recipe.run.sample_every
        self.score_every = recipe.score.every
        self._recipe = recipe
        self._accelerator = accelerator
        self._state = state
        self._phases = phases
        self._reference = reference
        self._samples = samples
        self._scores = scores

    def find_problem(self) -> str | None:
        """Say whether the generator paints values that are not finite."""
        grid = self._samples.grid(self._state.average.module, self._accelerator.device, count=1)
        return None if bool(torch.isfinite(grid).all()) else "the generator's pictures are not finite"

    def sample(self) -> Tensor:
        """Return a grid of photos and pictures, (3, H, W) in [0, 1]."""
        return self._samples.grid(self._state.average.module, self._accelerator.device)

    def score(self) -> dict[str, float]:
        """Return the scores on the validation photos, on every process."""
        return self._scores.measure(self._state.average.module) if self._scores else {}

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return ``weighted``: content and style distance, weighted as in the loss."""
        return {"weighted": self._recipe.loss.weighted(scores)}

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        """Write the style."""
        phases = self._phases if len(self._phases) > 1 else ()
        protocol = self._scores.protocol if self._scores else {}
        info = {
            "vgg": self._phases[-1].weights.identity,
            **describe_generator(self._accelerator, self._state, phases, scores, protocol),
        }
        save_style(path, self._state.average.module, self._recipe, self._reference, info)
