"""What a training for any painting makes: the generator's file, samples of it, and its scores."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from torch import Tensor

from ganstyle.anystyle import encode, save_any
from ganstyle.arbitrary.phases import PairPhase
from ganstyle.arbitrary.recipe import AnyRecipe
from ganstyle.arbitrary.validation import PairScores
from ganstyle.files import fingerprint
from ganstyle.images import central_square, image_grid, read_image
from ganstyle.metrics import YARDSTICK_LAYERS
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.runs.comparison import describe_comparison
from ganstyle.runs.history import BEST
from ganstyle.runs.launch import find_weights
from ganstyle.runs.provenance import describe_generator
from ganstyle.runs.training_state import TrainingState
from ganstyle.stylize.reflection import paint_reflected
from ganstyle.weights import load_vgg16

_NEUTRAL_PHOTOS = 16
_SHOWN_PAINTINGS = 6


class AnyOutput:
    """The averaged generator as a `RunOutput`.

    Args:
        recipe: what is trained, and how often it is looked at.
        accelerator: which of the processes this is.
        state: the training, as it changes.
        phases: the training's phases, whose networks the file names.
        held_out: the paintings that are scored and shown; without any, those that are trained on are shown.
    """

    def __init__(
        self,
        recipe: AnyRecipe,
        accelerator: Accelerator,
        state: TrainingState,
        phases: Sequence[PairPhase],
        held_out: Sequence[Path],
    ) -> None:
        self.path = recipe.folder / "style.safetensors"
        self.best: Path | None = recipe.folder / BEST
        self.select: str = recipe.score.select
        self.comparison: Mapping[str, Any] = {}
        self.sample_every, self.score_every = recipe.run.sample_every, recipe.score.every
        self._recipe, self._accelerator, self._state, self._phases = recipe, accelerator, state, phases
        self._encoding = phases[-1].loss.encoding
        data, size = phases[-1].data, min(phases[-1].image_size, 256)
        count = min(_NEUTRAL_PHOTOS, len(data.content))
        self._photos = torch.cat([central_square(data.content[i][None], size) for i in range(count)])
        shown = [read_image(path) for path in held_out[:_SHOWN_PAINTINGS]]
        shown = shown or [data.paintings[i][None] for i in range(min(_SHOWN_PAINTINGS, len(data.paintings)))]
        self._paintings = torch.cat([central_square(painting, size) for painting in shown])
        self._scores = None
        if recipe.score.every:
            weights = find_weights(accelerator, recipe.vgg)
            exact = load_vgg16(weights, YARDSTICK_LAYERS).to(accelerator.device)
            self._scores = PairScores(recipe.score, held_out, exact, self._encoding, accelerator)
            self.comparison = {
                **describe_comparison(
                    recipe.loss,
                    self._scores.protocol,
                    photos=self._scores.photos,
                    select=recipe.score.select,
                ),
                "paintings": fingerprint(held_out),
                "vgg": weights.sha256,
            }

    def find_problem(self) -> str | None:
        """Say whether the generator paints values that are not finite."""
        finite = bool(torch.isfinite(self._pictures(1, 1)).all())
        return None if finite else "the generator's pictures are not finite"

    def sample(self) -> Tensor:
        """Return a grid, (3, H, W) in [0, 1]: paintings above, photos at the left, pictures between."""
        count = min(self._recipe.run.samples, len(self._photos))
        pictures = self._pictures(count, len(self._paintings))
        cells = [torch.ones_like(self._photos[:1]), self._paintings]
        for photo, row in zip(self._photos[:count], pictures, strict=True):
            cells += [photo[None], row]
        return image_grid(torch.cat(cells), columns=1 + len(self._paintings))

    def score(self) -> dict[str, float]:
        """Return the mean scores on the held-out paintings, on every process."""
        return self._scores.measure(self._generator) if self._scores else {}

    def combine(self, scores: Mapping[str, float]) -> dict[str, float]:
        """Return ``weighted``: content and style distance, weighted as in the loss."""
        return {"weighted": self._recipe.loss.weighted(scores)}

    def save(self, path: Path, scores: Mapping[str, float]) -> None:
        """Write the generator as it is shipped, in half precision."""
        protocol = self._scores.protocol if self._scores else {}
        info = {
            "recipe": self._recipe.to_dict(),
            **describe_generator(self._accelerator, self._state, self._phases, scores, protocol),
        }
        save_any(
            path,
            self._generator,
            encode(self._generator, self._encoding, self._photos.to(self._accelerator.device)).mean(0, True),
            info,
            options=self._recipe.generator.options,
            size=self._recipe.style.size,
        )

    @property
    def _generator(self) -> ModulatedGenerator:
        return cast(ModulatedGenerator, self._state.average.module)

    @torch.inference_mode()
    def _pictures(self, photos: int, paintings: int) -> Tensor:
        """Paint some photos in the style of some paintings, (photos, paintings, 3, S, S) on the CPU."""
        device = self._accelerator.device
        codes = encode(self._generator, self._encoding, self._paintings[:paintings].to(device))
        paint = partial(self._generator, style=codes)
        rows = [
            paint_reflected(paint, photo.to(device).expand(len(codes), -1, -1, -1)).float().cpu()
            for photo in self._photos[:photos]
        ]
        return torch.stack(rows)
