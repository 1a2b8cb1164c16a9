"""One run of the study in `discriminators`: its recipe, its training, and its scores at equal content.

Started by the study as a process of its own, in the study's folder, with an order as JSON:

    python -m tests.benchmarks.discriminator_runs '{"action": "train", "study": {…}, "run": {…}}'

The last line that it prints is the outcome, as JSON.
"""

import json
import math
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ganstyle.data import StyleImages
from ganstyle.devices import pick_device
from ganstyle.errors import GanstyleError, one_line
from ganstyle.evaluate.models import load_evaluation_models
from ganstyle.evaluate.photos import choose_photos
from ganstyle.files import atomic_write
from ganstyle.images import central_square, write_image
from ganstyle.losses import relative_distance
from ganstyle.metrics import Evaluator, ScoreAccumulator, StyleReference
from ganstyle.recipe import Recipe
from ganstyle.style import Style, load_style
from ganstyle.stylize import Controls
from ganstyle.training import train

SCORES = ("style", "style_coarse", "kid_efficientnet_style", "kept")
PICTURES = 3
"""How many pictures of a run are kept, of the first validation photos."""

_STRENGTHS, _TOLERANCE, _TRIES = (0.3, 1.5), 0.01, 10
_DISCRIMINATORS = ("patchgan1", "patchgan2", "patchgan3", "projected")
_ADDITIONS = ("augment", "r1", "scales", "heavy")
_HEAVY = 3  # times the weight of the adversarial loss
VARIANT = re.compile(
    rf"(none|sliced2?|gram\+sliced|({'|'.join(_DISCRIMINATORS)})(\+({'|'.join(_ADDITIONS)}|sliced|gram\+sliced))*)"
)


@dataclass(frozen=True)
class Study:
    """What all runs have in common."""

    steps: int
    size: int
    batch: int
    vgg: str
    vgg_real: str | None
    adversarial: float
    style_weight: float
    sliced_weight: float
    style_size: int
    coarse: int
    count: int
    score_size: int
    workers: int


@dataclass(frozen=True)
class StudyRun:
    """A painting, by its name, a variant, and a seed."""

    painting: str
    variant: str
    seed: int

    @property
    def key(self) -> tuple[str, str, int]:
        """What identifies the run in a study."""
        return self.painting, self.variant, self.seed

    @property
    def name(self) -> str:
        """The run's folder."""
        return f"{self.painting}.{self.variant.replace('+', '-')}.{self.seed}"


def study_recipe(study: Study, run: StudyRun) -> Recipe:
    """Return the recipe of a run; RecipeError if the variant does not fit the size of the crops."""
    first, *additions = run.variant.split("+")
    sliced = first == "sliced2" or "sliced" in (first, *additions)
    gram = not sliced or "gram" in (first, *additions)
    share = 2.0 if first == "sliced2" else 0.5 if sliced and gram else 1.0
    discriminator: dict[str, Any] | None = None
    if first in _DISCRIMINATORS:
        discriminator = {"name": "projected"}
        if first != "projected":
            discriminator = {"name": "patchgan", "width": 32, "layers": 2, "scales": int(first[-1])}
        discriminator |= {"spectral_norm": True, "patch_size": min(128, study.size)}
        if "augment" in additions:
            discriminator["augment"] = ["translation", "cutout"]
        if "scales" in additions:
            discriminator["crop_scales"] = [0.5, 1.5]
    generator: dict[str, Any] = {"name": "lean", "strength": True, "antialias": True}
    values = {
        "name": run.name,
        "seed": run.seed,
        "steps": study.steps,
        "batch_size": study.batch,
        "image_size": study.size,
        "workers": study.workers,
        "vgg": study.vgg,
        "content": {"path": "photos"},
        "style": {"path": f"paintings/{run.painting}", "size": study.style_size},
        "generator": generator | ({"coarse": study.coarse} if study.coarse else {}),
        "discriminator": discriminator,
        "loss": {
            "content": 1.0,
            "style": share * study.style_weight if gram else 0.0,
            "sliced_wasserstein": share * study.sliced_weight if sliced else 0.0,
            "tv": 0.05,
            "adversarial": study.adversarial * (_HEAVY if "heavy" in additions else 1),
            "r1": 1.0 if "r1" in additions else 0.0,
            "content_octaves": [1.0, 0.5, 0.25],
            "style_octaves": 4,
        },
        "optimizer": {"lr": 1e-3, "lr_muon": 0.015, "lr_discriminator": 2e-4, "betas": [0.5, 0.99]},
        "run": {
            "dir": "runs",
            "save_every": max(10, study.steps // 10),
            "sample_every": 0,
            "keep": 1,
            "trackers": [],
        },
    }
    return Recipe.parse(values, source=run.name)


def trained_file(run: StudyRun) -> Path:
    """Return the file that a finished training leaves behind in a study's folder: what it took."""
    return Path("runs", run.name, "trained.json")


def train_run(study: Study, run: StudyRun) -> dict[str, Any]:
    """Train, or train on; ``finished`` is False if the training was told to stop."""
    recipe = study_recipe(study, run)
    if not train(recipe).finished:
        return {"finished": False}
    training = load_style(recipe.folder / "style.safetensors").info["training"]
    with atomic_write(trained_file(run)) as temporary:
        temporary.write_text(json.dumps({key: training[key] for key in ("steps", "seconds", "hardware")}))
    shutil.rmtree(recipe.folder / "checkpoints", ignore_errors=True)
    return {"finished": True, "seconds": training["seconds"]}


def score_run(study: Study, run: StudyRun, reference: float | None) -> dict[str, Any]:
    """Score a trained run where its content is the reference's, at strength 1 if there is none."""
    device = pick_device()
    models = replace(load_evaluation_models(study.vgg_real or "distilled", "off", device), extractor=None)
    painting = StyleReference.of_paintings(
        models.features, StyleImages(f"paintings/{run.painting}"), study.score_size, device, key=run.painting
    )
    evaluator = Evaluator(
        choose_photos("val", study.count).photos,
        models,
        painting,
        size=study.score_size,
        statistics=Path("statistics", run.painting),
    )
    style = load_style(Path("runs", run.name, "style.safetensors"))
    style.generator.to(device)
    photos = [evaluator.photo(number) for number in range(len(evaluator.photos))]
    maps = [models.features(photo)["relu3_3"] for photo in photos]

    def content(strength: float) -> float:
        pictures = (_paint(style, photo, strength) for photo in photos)
        distances = [
            relative_distance(models.features(picture)["relu3_3"], target)
            for picture, target in zip(pictures, maps, strict=True)
        ]
        return float(torch.cat(distances).mean())

    strength, reached = (1.0, True) if reference is None else equal_content_strength(content, reference)
    accumulator = ScoreAccumulator()
    for number, photo in enumerate(photos):
        picture = _paint(style, photo, strength)
        evaluator.add(accumulator, number, picture, photo)
        if number < PICTURES:
            write_image(central_square(picture, study.score_size), picture_file(run.name, number))
            write_image(central_square(photo, study.score_size), picture_file("photos", number))
    scores = evaluator.scores([accumulator])
    return {
        "painting": run.painting,
        "variant": run.variant,
        "seed": run.seed,
        "strength": round(strength, 4),
        "reference": reference if reference is not None else scores["content"],
        "reached": reached,
        "content": scores["content"],
        **{name: scores[name] for name in SCORES if name in scores},
        **json.loads(trained_file(run).read_text()),
        "vgg": models.vgg.sha256,
    }


def picture_file(name: str, number: int) -> Path:
    """Return the file in a study's folder of one of a run's pictures, or of a photo."""
    return Path("pictures", f"{name}.{number}.png")


def equal_content_strength(content: Callable[[float], float], reference: float) -> tuple[float, bool]:
    """Find the strength at which the mean content distance is the reference, within 1 %, by bisection.

    Args:
        content: from a strength to the mean content distance, which rises with it.
        reference: above 0.

    Returns:
        The strength, and whether the reference was reached; otherwise the end of 0.3 to 1.5 next to it.
    """
    (low, high), strength = _STRENGTHS, 1.0
    for _ in range(_TRIES):
        measured = content(strength)
        if abs(measured / reference - 1) <= _TOLERANCE:
            return strength, True
        if not math.isfinite(measured):
            raise GanstyleError(f"content is {measured} at strength {strength:g}: the training has diverged")
        low, high = (strength, high) if measured < reference else (low, strength)
        strength = (low + high) / 2
    return strength, False


@torch.inference_mode()
def _paint(style: Style, photo: Tensor, strength: float) -> Tensor:
    return style.paint(photo, Controls(strength=strength)).to(photo.device)


def start_order(action: str, study: Study, run: StudyRun, reference: float | None) -> list[str]:
    """Return the command of a run's process."""
    order = {"action": action, "study": asdict(study), "run": asdict(run), "reference": reference}
    return [sys.executable, "-m", __spec__.name if __name__ == "__main__" else __name__, json.dumps(order)]


def main() -> None:
    """Carry out the order in the first argument."""
    torch.set_num_threads(1)
    order = json.loads(sys.argv[1])
    study, run = Study(**order["study"]), StudyRun(**order["run"])
    try:
        if order["action"] == "train":
            outcome = train_run(study, run)
        else:
            outcome = score_run(study, run, order["reference"])
    except GanstyleError as error:
        sys.exit(f"{run.name}: {one_line(error)}")
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
