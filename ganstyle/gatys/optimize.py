"""Paint by optimizing the pixels of one picture: Gatys, Ecker & Bethge 2016 (and 2015 for textures)."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ganstyle.gatys.checks import (
    check_budget,
    check_images,
    check_layers,
    check_optimizer,
    check_shares,
    check_start,
    check_weights,
)
from ganstyle.gatys.descent import OptimizationRun
from ganstyle.gatys.events import OnEvent
from ganstyle.gatys.objective import (
    Objective,
    ScaleInputs,
    TermFactory,
    Terms,
    content_term,
    style_term,
    variation_term,
)
from ganstyle.gatys.optimizers import OPTIMIZERS
from ganstyle.gatys.scales import Scale, enlarge, lost_detail, plan
from ganstyle.images import resize, resize_shorter
from ganstyle.losses.perceptual import FeatureExtractor

CONTENT_LAYERS: Mapping[str, float] = {"relu3_3": 1.0}
STYLE_LAYERS: Mapping[str, float] = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}
LAYERS: Sequence[str] = tuple(dict.fromkeys([*CONTENT_LAYERS, *STYLE_LAYERS]))
"""What a network is asked for."""


@dataclass(frozen=True)
class Result:
    """What an optimization found.

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
        content: the photo (1, 3, H, W) in [0, 1]; None: synthesize a texture from the paintings alone.
        style: one painting (1, 3, H, W) in [0, 1], or several of any sizes, on the photo's device.
        features: the network; it must give every layer named below.
        optimizer: a name out of ``OPTIMIZERS``.
        optimizer_options: keywords of that optimizer.
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
        seed: of the noise, and of optimizers that draw at random.
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
    check_images(content, styles, start, features)
    check_start(start)
    check_weights({name: weight for name, (weight, _) in terms.items()})
    terms = {name: term for name, term in terms.items() if term[0] != 0}
    check_shares(shares, len(styles))
    for what, layers in (("content", content_layers), ("style", style_layers)):
        check_layers(what, layers)
    check_budget(steps, seconds, max_evaluations)
    options = {"seed": seed, **(optimizer_options or {})}
    check_optimizer(optimizer, options)
    guide = styles[0] if content is None else content
    from_noise = not isinstance(start, Tensor) and (start == "noise" or content is None)
    planned = plan(min(guide.shape[-2:]) if size is None else size, scales, from_noise=from_noise)

    def prepare(scale: Scale) -> tuple[ScaleInputs, Objective]:
        return _prepare(scale, content, styles, features, terms)

    run = OptimizationRun(began, steps, seconds, max_evaluations, callback)
    kind = OPTIMIZERS[optimizer]
    scene, objective = prepare(planned[0])
    picture = run.descend(planned[0], objective, _start(start, scene, seed), kind, options)
    for scale in planned[1:]:
        before = scene
        try:
            scene, objective = prepare(planned[-1] if run.interrupted else scale)
        except KeyboardInterrupt:
            run.interrupted = True
            scene, objective = prepare(planned[-1])
        picture = _continue(picture, before, scene)
        if run.interrupted:  # the picture only had to be brought to its size
            break
        picture = run.descend(scale, objective, picture, kind, options)
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


@torch.no_grad()
def _prepare(
    scale: Scale, content: Tensor | None, styles: Sequence[Tensor], features: FeatureExtractor, terms: Terms
) -> tuple[ScaleInputs, Objective]:
    """Return what is given at one scale, and what is minimized there."""
    photo = None if content is None else resize_shorter(content, scale.scale)
    paintings = [resize_shorter(image, scale.scale) for image in styles]
    height, width = (paintings[0] if photo is None else photo).shape[-2:]
    scene = ScaleInputs((height, width), photo, paintings, features)
    return scene, Objective(features, {name: (weight, make(scene)) for name, (weight, make) in terms.items()})


def _continue(picture: Tensor, before: ScaleInputs, now: ScaleInputs) -> Tensor:
    """Return the picture of one scale at another one."""
    if before.photo is None or now.photo is None:
        return enlarge(picture, now.size, None)
    return enlarge(picture, now.size, lost_detail(before.photo, now.photo))


def _start(start: str | Tensor, scene: ScaleInputs, seed: int) -> Tensor:
    """Return the picture that the first scale begins with."""
    if isinstance(start, Tensor):
        return resize(start.detach().float(), scene.size)
    if start == "content" and scene.photo is not None:
        return scene.photo
    noise = torch.rand(1, 3, *scene.size, generator=torch.Generator().manual_seed(seed))
    return noise.to(scene.styles[0].device)
