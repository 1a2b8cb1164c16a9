"""Paint by optimising the pixels of one picture: Gatys, Ecker & Bethge 2016 (and 2015 for textures)."""

import inspect
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gatys.events import Iterate, Note, OnEvent, StopOptimization
from ganstyle.gatys.objective import (
    Objective,
    Scene,
    TermFactory,
    content_term,
    style_term,
    variation_term,
)
from ganstyle.gatys.optimizers import OPTIMIZERS, Optimizer, OutOfBudget, Problem
from ganstyle.gatys.scales import Stage, enlarge, lost_detail, plan
from ganstyle.images import resize, resize_shorter
from ganstyle.losses.perceptual import FeatureExtractor

CONTENT_LAYERS: Mapping[str, float] = {"relu3_3": 1.0}
STYLE_LAYERS: Mapping[str, float] = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}

Terms = Mapping[str, tuple[float, TermFactory]]


@dataclass(frozen=True)
class Result:
    """What an optimisation found.

    Attributes:
        image: (1, 3, H, W) in [0, 1], on the device of the input.
        loss: the weighted sum of the terms at the final size.
        terms: each term before weighting: content, style, tv and any that were added.
        steps: steps done.
        evaluations: passes of the network forwards and backwards, as in `Iterate`.
        seconds: taken.
        interrupted: whether Ctrl-C or a callback ended it early.
        history: (seconds, evaluations, loss) after each step; losses of two scales do not compare.
    """

    image: Tensor
    loss: float
    terms: Mapping[str, float]
    steps: int
    evaluations: float
    seconds: float
    interrupted: bool
    history: Sequence[tuple[float, float, float]]


def optimize(
    content: Tensor | None,
    style: Tensor | Sequence[Tensor],
    *,
    features: FeatureExtractor,
    optimizer: str = "lbfgs",
    optimizer_options: Mapping[str, object] | None = None,
    steps: int = 200,
    seconds: float | None = None,
    max_evaluations: float | None = None,
    size: int | None = None,
    scales: str | Sequence[int] = "auto",
    start: str | Tensor = "content",
    content_weight: float = 1.0,
    style_weight: float = 30.0,
    tv_weight: float = 0.1,
    content_layers: Mapping[str, float] = CONTENT_LAYERS,
    style_layers: Mapping[str, float] = STYLE_LAYERS,
    style_weights: Sequence[float] | None = None,
    style_objective: TermFactory | None = None,
    extra_terms: Terms | None = None,
    seed: int = 0,
    callback: OnEvent = lambda event: None,
) -> Result:
    """Find the picture whose content is the photo's and whose style is the paintings'.

    Args:
        content: the photo (1, 3, H, W) in [0, 1]; None: synthesise a texture from the paintings alone.
        style: one painting (1, 3, H, W) in [0, 1], or several of any sizes, on the photo's device.
        features: the network; it must give every layer named below.
        optimizer: a name out of ``OPTIMIZERS``.
        optimizer_options: keywords of that optimiser.
        steps: the most steps, over all scales.
        seconds: stop after about these.
        max_evaluations: stop after so many passes of the network forwards and backwards.
        size: shorter side of the result, in pixels; None: the photo's (of a texture: the first painting's).
        scales: "auto" works from small to large, "single" at the final size alone; or the shorter sides.
        start: "content", "noise", or a picture (1, 3, H, W); without a photo, noise.
        content_weight: of the content term.
        style_weight: of the style term.
        tv_weight: of the total variation.
        content_layers: layer → weight.
        style_layers: layer → weight.
        style_weights: of several paintings, one each; None: all alike.
        style_objective: takes the place of the Gram term, for example one by regions.
        extra_terms: name → (weight, factory), added to the sum.
        seed: of the noise, and of optimisers that draw at random.
        callback: told about every step; it may raise `StopOptimization` or KeyboardInterrupt to end early.

    Raises:
        GanstyleError: the input makes no sense, or the loss is not finite at the start; one line.
    """
    began = time.perf_counter()
    styles = [style] if isinstance(style, Tensor) else list(style)
    shares = [1.0] * len(styles) if style_weights is None else list(style_weights)
    terms: dict[str, tuple[float, TermFactory]] = {
        "content": (content_weight, content_term(content_layers)),
        "style": (style_weight, style_objective or style_term(style_layers, shares)),
        "tv": (tv_weight, variation_term),
        **(extra_terms or {}),
    }
    if content is None:
        del terms["content"]
    terms = {name: term for name, term in terms.items() if term[0] != 0}
    _check_images(content, styles, start, features)
    _check_weights(terms, shares, len(styles))
    for kind, layers in (("content", content_layers), ("style", style_layers)):
        _check_layers(kind, layers)
    _check_budget(steps, seconds, max_evaluations)
    options = {"seed": seed, **(optimizer_options or {})}
    _check_optimizer(optimizer, options)
    guide = styles[0] if content is None else content
    from_noise = not isinstance(start, Tensor) and (start == "noise" or content is None)
    stages = plan(min(guide.shape[-2:]) if size is None else size, scales, from_noise=from_noise)

    run = _Run(began, steps, seconds, max_evaluations, callback)
    before: Scene | None = None
    for stage in stages:
        scene = _scene(stage, content, styles, features)
        objective = _objective(scene, terms)
        if before is None:
            picture = _start(start, scene, seed)
        elif before.photo is None or scene.photo is None:
            picture = enlarge(picture, scene.size, None)
        else:
            picture = enlarge(picture, scene.size, lost_detail(before.photo, scene.photo))
        before = scene
        if not run.interrupted:  # after an interruption the picture only has to be brought to its size
            picture = run.descend(stage, objective, picture, OPTIMIZERS[optimizer], options)
    with torch.no_grad():
        loss, values = objective(picture)
    return Result(
        image=picture,
        loss=float(loss),
        terms={name: float(value) for name, value in values.items()},
        steps=run.steps_done,
        evaluations=run.evaluations,
        seconds=time.perf_counter() - began,
        interrupted=run.interrupted,
        history=run.history,
    )


class _Run:
    """The counters of one call, over all scales."""

    def __init__(
        self,
        began: float,
        steps: int,
        seconds: float | None,
        max_evaluations: float | None,
        callback: OnEvent,
    ) -> None:
        self.began, self.steps, self.seconds = began, steps, seconds
        self.max_evaluations, self.callback = max_evaluations, callback
        self.steps_done, self.evaluations = 0, 0.0
        self.interrupted = False
        self.history: list[tuple[float, float, float]] = []

    def descend(
        self,
        stage: Stage,
        objective: Objective,
        picture: Tensor,
        kind: type[Optimizer],
        options: Mapping[str, object],
    ) -> Tensor:
        """Work at one scale until its share of some budget is spent; return the best picture."""
        shape, recent = picture.shape, dict[float, Mapping[str, Tensor]]()

        def function(x: Tensor) -> Tensor:
            loss, terms = objective(x.view(shape))
            recent[float(loss.detach())] = terms
            return loss

        before = self.evaluations
        problem = Problem(
            function,
            lower=0.0,
            upper=1.0,
            max_evaluations=None
            if self.max_evaluations is None
            else self.max_evaluations * stage.steps_until - before,
            deadline=None if self.seconds is None else self.began + self.seconds * stage.seconds_until,
            grid=(shape[1], shape[2], shape[3]),
            spent=lambda: self._spent(before + problem.evaluations),
            note=lambda text: self.callback(Note(text)),
        )
        try:
            worker = kind(problem, picture.flatten(), **options)
            while self.steps_done < round(self.steps * stage.steps_until):
                recent.clear()
                point = worker.step()
                self.evaluations = round(before + problem.evaluations, 3)  # no 64.39999
                if point is None:
                    self.callback(Note(f"no further progress at {stage.scale} px"))
                    break
                if problem.best is None:
                    raise GanstyleError(
                        "the loss is not finite at the start; check the images, the weights and the network"
                    )
                self.steps_done += 1
                elapsed = time.perf_counter() - self.began
                self.history.append((elapsed, self.evaluations, point.loss))
                self.callback(
                    Iterate(
                        step=self.steps_done,
                        steps=self.steps,
                        evaluations=self.evaluations,
                        seconds=elapsed,
                        scale=stage.scale,
                        loss=point.loss,
                        terms={name: float(value) for name, value in recent.get(point.loss, {}).items()},
                        image=point.x.view(shape),
                    )
                )
        except OutOfBudget:
            pass
        except (KeyboardInterrupt, StopOptimization):
            self.interrupted = True
        self.evaluations = round(before + problem.evaluations, 3)
        return picture if problem.best is None else problem.best.x.view(shape)

    def _spent(self, evaluations: float) -> float:
        """Return the fraction of that limit which is nearest."""
        fractions = [self.steps_done / self.steps]
        if self.seconds is not None:
            fractions.append((time.perf_counter() - self.began) / self.seconds)
        if self.max_evaluations is not None:
            fractions.append(evaluations / self.max_evaluations)
        return min(max(fractions), 1.0)


def _scene(
    stage: Stage, content: Tensor | None, styles: Sequence[Tensor], features: FeatureExtractor
) -> Scene:
    photo = None if content is None else resize_shorter(content, stage.scale)
    paintings = [resize_shorter(image, stage.scale) for image in styles]
    height, width = (paintings[0] if photo is None else photo).shape[-2:]
    return Scene((height, width), photo, paintings, features)


@torch.no_grad()
def _objective(scene: Scene, terms: Terms) -> Objective:
    return Objective(scene.features, {name: (weight, make(scene)) for name, (weight, make) in terms.items()})


def _start(start: str | Tensor, scene: Scene, seed: int) -> Tensor:
    """Return the picture that the first scale begins with."""
    if isinstance(start, Tensor):
        return resize(start.detach().float(), scene.size)
    if start not in ("content", "noise"):
        raise GanstyleError(f"start '{start}': give content, noise or a picture")
    if start == "content" and scene.photo is not None:
        return scene.photo
    noise = torch.rand(1, 3, *scene.size, generator=torch.Generator().manual_seed(seed))
    return noise.to(scene.styles[0].device)


def _check_images(
    content: Tensor | None, styles: Sequence[Tensor], start: str | Tensor, features: FeatureExtractor
) -> None:
    if not styles:
        raise GanstyleError("no painting was given; give at least one")
    minimum = getattr(features, "minimum", 1)
    named = [("the photo", content), *((f"painting {i}", image) for i, image in enumerate(styles, 1))]
    for name, image in [*named, ("the start", start)]:
        if not isinstance(image, Tensor):
            continue
        if image.dim() != 4 or image.shape[:2] != (1, 3):
            raise ImageError(f"{name} has shape {tuple(image.shape)}; it must be (1, 3, height, width)")
        if min(image.shape[-2:]) < minimum:
            raise ImageError(
                f"{name} has {image.shape[-2]}x{image.shape[-1]} pixels, too few for the network's "
                f"deepest layer; give at least {minimum}x{minimum}"
            )


def _check_weights(terms: Terms, shares: Sequence[float], paintings: int) -> None:
    if not terms:
        raise GanstyleError("all weights are zero: there is nothing to minimise; give one of them a value")
    for name, (weight, _) in terms.items():
        if not (math.isfinite(weight) and weight > 0):
            raise GanstyleError(
                f"the weight of {name} is {weight}; give a positive number, or 0 to leave it out"
            )
    if len(shares) != paintings:
        raise GanstyleError(f"{len(shares)} style weights for {paintings} paintings; give one each")
    if not all(math.isfinite(share) and share >= 0 for share in shares) or sum(shares) == 0:
        raise GanstyleError("the weights of the paintings must not be negative, nor all zero")


def _check_layers(kind: str, layers: Mapping[str, float]) -> None:
    if (
        not layers
        or not all(math.isfinite(w) and w >= 0 for w in layers.values())
        or not sum(layers.values())
    ):
        raise GanstyleError(
            f"no {kind} layer has a weight; give at least one a positive one, none a negative"
        )


def _check_budget(steps: int, seconds: float | None, max_evaluations: float | None) -> None:
    if steps < 1:
        raise GanstyleError(f"{steps} steps do nothing; give at least 1")
    if seconds is not None and not seconds > 0:
        raise GanstyleError(f"{seconds} seconds are too few; give more than 0")
    if max_evaluations is not None and not max_evaluations >= 1:
        raise GanstyleError(f"{max_evaluations} evaluations do nothing; give at least 1")


def _check_optimizer(name: str, options: Mapping[str, object]) -> None:
    if name not in OPTIMIZERS:
        raise GanstyleError(f"there is no optimiser '{name}'; choose from {', '.join(sorted(OPTIMIZERS))}")
    known = [key for key in inspect.signature(OPTIMIZERS[name]).parameters if key not in ("problem", "x")]
    for key in options:
        if key not in known:
            raise GanstyleError(f"{name} has no option '{key}'; it has {', '.join(known)}")
