"""A trained generator beside the classical baseline, on the same photos."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.evaluate.methods import Method, OnStep, gatys_method, generator_method, warm_up
from ganstyle.images import encode_png, resize_shorter
from ganstyle.losses.perceptual import FeatureExtractor
from ganstyle.metrics import Evaluator, ScoreAccumulator, StyleReference
from ganstyle.metrics.protocol import Protocol
from ganstyle.recipe import differences
from ganstyle.style import Style

COUNT, SIZE = 4, 256
"""Photos, and the pixels of their shorter side: minutes on two cores, nearly all of them the baseline's."""

_INCIDENTAL = ("name", "run", "resume", "workers", "score", "vgg", "precision")  # of a recipe


@dataclass(frozen=True)
class Painting:
    """A method is at work on the ``index``-th of ``total`` pictures, from 1, and has done some steps."""

    method: str
    photo: str
    index: int
    total: int
    step: int
    steps: int


@dataclass(frozen=True)
class Finished:
    """A method has painted the ``index``-th of ``total`` pictures, from 1."""

    method: str
    photo: str
    index: int
    total: int
    seconds: float


Event = Painting | Finished


@dataclass(frozen=True)
class Entry:
    """What one method did.

    Attributes:
        method: which.
        scores: by name.
        seconds_per_image: the median.
        pictures: PNG files' contents, one a photo.
        notes: one a picture, empty where there is nothing to say.
    """

    method: Method
    scores: Mapping[str, float]
    seconds_per_image: float
    pictures: Sequence[bytes]
    notes: Sequence[str]


@dataclass(frozen=True)
class Comparison:
    """What a comparison found.

    Attributes:
        style: the generator's.
        entries: the methods, the generator first.
        untouched: the scores of the photos as they are, which all others start from.
        protocol: how each score came about.
        size: the photos' shorter side, in pixels.
        names: what the photos are called.
        photos: PNG files' contents.
        paintings: PNG files' contents; empty where there is no copy of the painting.
        differences: in what the recipe of the generator without GAN differs otherwise.
        settings: what else the times depend on.
    """

    style: Style
    entries: Sequence[Entry]
    untouched: Mapping[str, float]
    protocol: Protocol
    size: int
    names: Sequence[str]
    photos: Sequence[bytes]
    paintings: Sequence[bytes]
    differences: Sequence[str]
    settings: Mapping[str, Any]


def compare(
    style: Style,
    evaluator: Evaluator,
    reference: StyleReference,
    features: FeatureExtractor,
    *,
    without_gan: Style | None = None,
    steps: int | None = None,
    settings: Mapping[str, Any] | None = None,
    on_event: Callable[[Event], None] = lambda event: None,
) -> Comparison:
    """Let the generator and the baseline paint the evaluator's photos, and measure both.

    Everything is done photo by photo and one after the other, so that a machine that slows down does so for
    all. The pictures are kept as PNG files' contents.

    Args:
        style: the trained generator, on the evaluator's device.
        evaluator: what measures, and the photos.
        reference: what the baseline aims at.
        features: the network that the baseline descends.
        without_gan: the same generator, trained without a discriminator.
        steps: of the baseline, where it is not stopped in the generator's time; None: its default.
        settings: what else the times depend on, to be reported.
        on_event: told of the progress; it may raise KeyboardInterrupt to end early.

    Raises:
        GanstyleError: ``without_gan`` was trained with a discriminator; or see `optimize`.
        KeyboardInterrupt: Ctrl-C, or ``on_event`` raised it.
    """
    methods = _methods(style, without_gan, reference, features, steps)
    total = len(evaluator.photos) * len(methods)
    sheets = [ScoreAccumulator() for _ in methods]
    untouched = ScoreAccumulator()
    photos: list[bytes] = []
    pictures: list[list[bytes]] = [[] for _ in methods]
    seconds: list[list[float]] = [[] for _ in methods]
    notes: list[list[str]] = [[] for _ in methods]
    index = 0
    for number, path in enumerate(evaluator.photos):
        photo = evaluator.photo(number)
        if not number:
            for each in filter(None, (style, without_gan)):
                each.paint(photo)
            warm_up(features, photo)
        photos.append(encode_png(photo))
        evaluator.note(untouched, number, photo, photo)
        for place, method in enumerate(methods):
            index += 1
            working = partial(Painting, method.label, path.name, index, total)
            on_event(working(0, 0))
            painted = method.paint(photo, seconds[0][-1] if place else 0.0, _relay(on_event, working))
            evaluator.note(sheets[place], number, painted.picture.to(photo.device), photo)
            pictures[place].append(encode_png(painted.picture))
            seconds[place].append(painted.seconds)
            notes[place].append(painted.note)
            on_event(Finished(method.label, path.name, index, total, painted.seconds))
    return Comparison(
        style=style,
        entries=[
            Entry(method, evaluator.scores([sheet]), statistics.median(times), made, said)
            for method, sheet, times, made, said in zip(
                methods, sheets, seconds, pictures, notes, strict=True
            )
        ],
        untouched=evaluator.scores([untouched]),
        protocol=evaluator.protocol,
        size=evaluator.size,
        names=[path.name for path in evaluator.photos],
        photos=photos,
        paintings=[encode_png(resize_shorter(p, evaluator.size)) for p in _paintings(reference)],
        differences=_differences(style, without_gan),
        settings=settings or {},
    )


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


def _relay(on_event: Callable[[Event], None], working: Callable[[int, int], Painting]) -> OnStep:
    """Return what tells of a method's steps."""
    return lambda step, steps: on_event(working(step, steps))


def _paintings(reference: StyleReference) -> Sequence[Tensor]:
    return reference.paintings.images if reference.paintings else []


def _differences(style: Style, without_gan: Style | None) -> list[str]:
    if without_gan is None:
        return []
    found = differences(style.recipe, without_gan.recipe, ignore=_INCIDENTAL)
    about_the_game = (
        "discriminator",
        "loss.adversarial",
        "loss.gan",
        "loss.r1",
        "optimizer.lr_discriminator",
    )
    return [text for text in found if not text.startswith(about_the_game)]
