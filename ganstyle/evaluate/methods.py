"""The methods that are compared: a trained generator, and the classical baseline."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor

from ganstyle.evaluate.score import paint_photo
from ganstyle.gatys import DEFAULTS, Iterate, OptimizationEvent, ScaleInputs, Term, optimize
from ganstyle.gatys.objective import gram_term
from ganstyle.images import resize_shorter
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import StyleReference
from ganstyle.style import Style

OnStep = Callable[[int, int], None]
"""Called with the number of steps done, and the largest number there will be."""


@dataclass(frozen=True)
class Painted:
    """A picture (1, 3, H, W) in [0, 1] on the CPU, the seconds it took, and a note for its caption."""

    picture: Tensor
    seconds: float
    note: str = ""


class Paint(Protocol):
    """Paints a photo (1, 3, H, W) in [0, 1]."""

    def __call__(self, photo: Tensor, seconds: float, on_step: OnStep) -> Painted:
        """Paint it.

        Args:
            photo: on the device of the networks.
            seconds: what the first method took for this photo; 0 for the first.
            on_step: called after each step, if the method has steps.
        """
        ...


@dataclass(frozen=True)
class Method:
    """A way to paint a photo.

    Attributes:
        key: part of its files' names.
        label: its name for people, in a word or two.
        detail: what exactly it is, in a line.
        paint: paints a photo.
        training_seconds: the time it took before the first photo; None: unknown.
    """

    key: str
    label: str
    detail: str
    paint: Paint
    training_seconds: float | None


def generator_method(style: Style, key: str, label: str) -> Method:
    """Return the method of a trained generator, which is on its device already."""

    def paint(photo: Tensor, seconds: float, on_step: OnStep) -> Painted:
        began = time.perf_counter()
        picture = paint_photo(style, photo)
        return Painted(picture, time.perf_counter() - began)

    count = sum(parameter.numel() for parameter in style.generator.parameters())
    discriminator = style.recipe.discriminator
    against = f"against a {discriminator.name} discriminator" if discriminator else "without a discriminator"
    training = style.info.get("training") or {}
    steps = f" in {training['steps']:,} steps" if "steps" in training else ""
    detail = (
        f"{style.name}: {style.recipe.generator.name} of {count:,} parameters, trained{steps} {against}, "
        f"on strokes as large as in the painting at {style.recipe.style.size} px"
    )
    return Method(key, label, detail, paint, training.get("seconds"))


def gatys_method(
    reference: StyleReference,
    features: FeatureExtractor,
    key: str,
    label: str,
    *,
    in_time: bool,
    steps: int | None = None,
) -> Method:
    """Return the classical baseline with its default settings.

    Args:
        reference: the paintings; without them, the Gram matrices, which are then the target at every scale.
        features: the network whose loss is minimized.
        key: part of its files' names.
        label: its name for people.
        in_time: stop after the time that the first method took.
        steps: the largest number of steps; None: the default.
    """
    settings = DEFAULTS if steps is None else replace(DEFAULTS, steps=steps)

    def paint(photo: Tensor, seconds: float, on_step: OnStep) -> Painted:
        def callback(event: OptimizationEvent) -> None:
            if isinstance(event, Iterate):
                on_step(event.step, event.steps)

        if reference.paintings:
            shorter = min(photo.shape[-2:])
            style = [resize_shorter(image, shorter).to(photo.device) for image in reference.paintings.images]
            terms = None
        else:  # the photo only fills the painting's place; the term does not look at it
            style, terms = [photo], {"style": (settings.style_weight, _towards(reference))}
        result = optimize(
            photo,
            style,
            features=features,
            settings=replace(settings, seconds=seconds) if in_time else settings,
            terms=terms,
            callback=callback,
        )
        if result.interrupted:
            raise KeyboardInterrupt
        return Painted(
            result.image.cpu(), result.seconds, "1 step" if result.steps == 1 else f"{result.steps} steps"
        )

    limit = "; stopped when the generator is done" if in_time else ""
    detail = (
        "optimizes the pixels of each photo, with the defaults of ganstyle optimize: "
        f"{settings.describe()}{limit}"
    )
    return Method(key, label, detail, paint, 0.0)


def _towards(reference: StyleReference) -> Callable[[ScaleInputs], Term]:
    """Return the style term whose target is given Gram matrices."""
    return lambda inputs: gram_term(reference.target, DEFAULTS.style_layers)


def warm_up(features: FeatureExtractor, photo: Tensor) -> None:
    """Run a first forward and backward pass, so that no measured one pays for choosing kernels."""
    leaf = photo.clone().requires_grad_()
    loss = torch.stack([maps.float().square().mean() for maps in features(leaf).values()]).sum()
    torch.autograd.grad(loss, leaf)
