"""Compare a trained generator with the classical baseline, on the same photos."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.memory import memory_advice
from ganstyle.evaluate.methods import Method, OnStep, gatys_method, generator_method, warm_up
from ganstyle.evaluate.score import check_finite, paint_photo
from ganstyle.images import encode_png, resize_shorter
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import Evaluator, ScoreAccumulator, StyleReference
from ganstyle.metrics.protocol import Protocol
from ganstyle.recipe import differences
from ganstyle.style import Style

COUNT, SIZE = 4, 256
"""Default number of photos and their shorter side: minutes on two cores, nearly all for the baseline."""

_INCIDENTAL = ("name", "run", "resume", "workers", "score", "vgg", "precision")  # of a recipe


@dataclass(frozen=True)
class MethodProgress:
    """A method is painting the ``index``-th of ``total`` pictures, from 1, and has done ``step`` steps."""

    method: str
    photo: str
    index: int
    total: int
    step: int
    steps: int


@dataclass(frozen=True)
class PictureFinished:
    """A method has painted the ``index``-th of ``total`` pictures, from 1."""

    method: str
    photo: str
    index: int
    total: int
    seconds: float


CompareEvent = MethodProgress | PictureFinished


@dataclass(frozen=True)
class MethodResult:
    """Scores, time and pictures of one method.

    Attributes:
        method: the method.
        scores: by name.
        seconds_per_image: the median.
        pictures: PNG files' contents, one for each photo.
        notes: one for each picture, empty if there is none.
    """

    method: Method
    scores: Mapping[str, float]
    seconds_per_image: float
    pictures: Sequence[bytes]
    notes: Sequence[str]


@dataclass(frozen=True)
class StyleComparison:
    """The outcome of a comparison.

    Attributes:
        style: the generator's.
        results: of the methods, the generator first.
        untouched: the scores of the unchanged photos.
        protocol: how each score was measured.
        size: the photos' shorter side, in pixels.
        names: what the photos are called.
        photos: PNG files' contents.
        paintings: PNG files' contents; empty where there is no copy of the painting.
        differences: other differences between the recipes of the generators with and without GAN.
        settings: what else the times depend on.
    """

    style: Style
    results: Sequence[MethodResult]
    untouched: Mapping[str, float]
    protocol: Protocol
    size: int
    names: Sequence[str]
    photos: Sequence[bytes]
    paintings: Sequence[bytes]
    differences: Sequence[str]
    settings: Mapping[str, Any]


def compare_with_gatys(
    style: Style,
    evaluator: Evaluator,
    reference: StyleReference,
    features: FeatureExtractor,
    *,
    without_gan: Style | None = None,
    steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
    on_event: Callable[[CompareEvent], None] = lambda event: None,
) -> StyleComparison:
    """Let the generator and the baseline paint the evaluator's photos, and measure both.

    All methods paint one photo before the next, so that a machine that slows down does so for all of them.
    The pictures are kept as PNG files' contents.

    Args:
        style: the trained generator, on the evaluator's device.
        evaluator: what measures, and the photos.
        reference: the baseline's target.
        features: the network whose loss the baseline minimizes.
        without_gan: the same generator, trained without a discriminator.
        steps: of the baseline that is not stopped after the generator's time; None: its default.
        settings: what else the times depend on, to be reported.
        on_event: called with the progress; it may raise KeyboardInterrupt to end early.

    Raises:
        GanstyleError: ``without_gan`` was trained with a discriminator, a score is not finite, or the memory
            does not suffice; or see `optimize`.
        KeyboardInterrupt: Ctrl-C, or ``on_event`` raised it.
    """
    runs = [_MethodRun(method) for method in _methods(style, without_gan, reference, features, steps)]
    total = len(evaluator.photos) * len(runs)
    untouched = ScoreAccumulator()
    photos: list[bytes] = []
    for number, path in enumerate(evaluator.photos):
        with memory_advice(str(path)):
            photo = evaluator.photo(number)
            if not number:
                for each in filter(None, (style, without_gan)):
                    paint_photo(each, photo)
                warm_up(features, photo)
            photos.append(encode_png(photo))
            evaluator.add(untouched, number, photo, photo)
        for place, run in enumerate(runs):
            index = number * len(runs) + place + 1
            progress = partial(MethodProgress, run.method.label, path.name, index, total)
            on_event(progress(0, 0))
            with memory_advice(f"{path}, {run.method.label}"):
                time_limit = runs[0].seconds[-1] if place else 0.0
                painted = run.method.paint(photo, time_limit, _relay(on_event, progress))
                evaluator.add(run.accumulator, number, painted.picture.to(photo.device), photo)
            run.pictures.append(encode_png(painted.picture))
            run.seconds.append(painted.seconds)
            run.notes.append(painted.note)
            on_event(PictureFinished(run.method.label, path.name, index, total, painted.seconds))
    return StyleComparison(
        style=style,
        results=[run.result(evaluator) for run in runs],
        untouched=evaluator.scores([untouched]),
        protocol=evaluator.protocol,
        size=evaluator.size,
        names=[path.name for path in evaluator.photos],
        photos=photos,
        paintings=[encode_png(resize_shorter(p, evaluator.size)) for p in _paintings(reference)],
        differences=_differences(style, without_gan),
        settings=settings or {},
    )


@dataclass
class _MethodRun:
    """A method and its results so far."""

    method: Method
    accumulator: ScoreAccumulator = field(default_factory=ScoreAccumulator)
    pictures: list[bytes] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def result(self, evaluator: Evaluator) -> MethodResult:
        scores = evaluator.scores([self.accumulator])
        check_finite(self.method.label, scores)
        return MethodResult(self.method, scores, statistics.median(self.seconds), self.pictures, self.notes)


def _methods(
    style: Style,
    without_gan: Style | None,
    reference: StyleReference,
    features: FeatureExtractor,
    steps: int | None,
) -> list[Method]:
    label = "GAN" if style.recipe.discriminator else "generator"
    methods = [generator_method(style, "generator", label)]
    if without_gan:
        if without_gan.recipe.discriminator:
            raise GanstyleError(
                f"{without_gan.name}: was trained with a discriminator; for --without-gan, "
                "give a style that was trained with discriminator=null"
            )
        methods.append(generator_method(without_gan, "without-gan", "without GAN"))
    methods.append(gatys_method(reference, features, "gatys", "Gatys", in_time=False, steps=steps))
    methods.append(
        gatys_method(reference, features, "gatys-in-time", f"Gatys in the {label}’s time", in_time=True)
    )
    return methods


def _relay(on_event: Callable[[CompareEvent], None], working: Callable[[int, int], MethodProgress]) -> OnStep:
    """Return a function that reports a method's steps as events."""
    return lambda step, steps: on_event(working(step, steps))


def _paintings(reference: StyleReference) -> Sequence[Tensor]:
    return reference.paintings.images if reference.paintings else []


def _differences(style: Style, without_gan: Style | None) -> list[str]:
    if without_gan is None:
        return []
    found = differences(style.recipe, without_gan.recipe, ignore=_INCIDENTAL)
    about_the_gan = (
        "discriminator",
        "loss.adversarial",
        "loss.gan",
        "loss.r1",
        "optimizer.lr_discriminator",
    )
    return [text for text in found if not text.startswith(about_the_gan)]
