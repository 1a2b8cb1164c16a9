import math
import statistics
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.gatys import (
    OPTIMIZERS,
    GatysSettings,
    Iterate,
    OptimizationEvent,
    ScaleInputs,
    StopOptimization,
    Term,
    optimize,
)
from ganstyle.images import resize_shorter
from ganstyle.models import VGG16Features
from ganstyle.runs.events import Message
from ganstyle.weights import find_vgg16, load_vgg16

LAYERS: dict[str, Any] = {"content_layers": {"two": 1.0}, "style_layers": {"one": 1.0, "two": 1.0}}

SETTINGS = {it.name for it in fields(GatysSettings)}


class Network:
    """Two layers of random filters, which count their passes and note the sizes they saw."""

    minimum = 4

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weights = [torch.randn(6, n, 3, 3, generator=generator) / math.sqrt(4.5 * n) for n in (3, 6)]
        self.sizes: list[tuple[int, int]] = []

    def __call__(self, x: Tensor) -> dict[str, Tensor]:
        self.sizes.append((x.shape[-2], x.shape[-1]))
        one = torch.nn.functional.conv2d(x - 0.3, self.weights[0], padding=1).relu()
        two = torch.nn.functional.conv2d(torch.nn.functional.avg_pool2d(one, 2), self.weights[1], padding=1)
        return {"one": one, "two": two.relu()}


def smooth(seed: int, height: int = 24, width: int = 32) -> Tensor:
    corners = torch.rand(1, 3, 3, 4, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(corners, (height, width), mode="bilinear")


def stripes(height: int = 30, width: int = 40) -> Tensor:
    wave = (torch.arange(width).div(3, rounding_mode="floor") % 2).float()
    return wave * torch.tensor([0.9, 0.6, 0.1]).view(1, 3, 1, 1) * torch.ones(1, 3, height, width)


def paint(content: Tensor | None = None, style: Any = None, *, texture: bool = False, **options: Any) -> Any:
    photo = None if texture else smooth(1) if content is None else content
    options = {"features": Network(), "steps": 10, **LAYERS, **options}
    given = {name: options.pop(name) for name in SETTINGS & options.keys()}
    styles = stripes() if style is None else style
    return optimize(photo, styles, settings=GatysSettings(**given), **options)


def collector() -> tuple[list[OptimizationEvent], Callable[[OptimizationEvent], None]]:
    events: list[OptimizationEvent] = []
    return events, events.append


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_every_optimizer_improves_the_picture(optimizer: str) -> None:
    events, callback = collector()
    result = paint(optimizer=optimizer, callback=callback)
    iterates = [event for event in events if isinstance(event, Iterate)]
    assert result.loss < iterates[0].loss
    assert result.image.shape == (1, 3, 24, 32)
    assert 0 <= result.image.min() <= result.image.max() <= 1
    assert not result.image.requires_grad
    assert not result.interrupted
    assert result.steps == len(iterates) == len(result.history) == 10


def test_the_result_is_the_best_iterate() -> None:
    events, callback = collector()
    result = paint(callback=callback)
    best = min((e for e in events if isinstance(e, Iterate)), key=lambda e: e.loss)
    assert torch.equal(result.image, best.image)
    assert result.loss == pytest.approx(best.loss, rel=1e-6)
    assert result.terms == pytest.approx(best.terms, rel=1e-5)


def test_events_count() -> None:
    events, callback = collector()
    network = Network()
    result = paint(features=network, callback=callback)
    iterates = [event for event in events if isinstance(event, Iterate)]
    assert [e.step for e in iterates] == list(range(1, 11))
    assert {e.steps for e in iterates} == {10}
    assert {e.scale for e in iterates} == {24}
    assert [e.evaluations for e in iterates] == sorted(e.evaluations for e in iterates)
    assert [e.seconds for e in iterates] == sorted(e.seconds for e in iterates)
    assert len(network.sizes) == 2 + result.evaluations + 1  # two targets, and the result once more
    assert set(iterates[0].terms) == {"content", "style", "tv"}
    total = iterates[3].terms["content"] + 30 * iterates[3].terms["style"] + 0.1 * iterates[3].terms["tv"]
    assert iterates[3].loss == pytest.approx(total, rel=1e-5)
    assert result.history[-1][1:] == (iterates[-1].evaluations, iterates[-1].loss)


def test_images_of_events_may_be_kept() -> None:
    copies: list[tuple[Tensor, Tensor]] = []

    def callback(event: OptimizationEvent) -> None:
        if isinstance(event, Iterate):
            copies.append((event.image, event.image.clone()))

    for optimizer in OPTIMIZERS:
        paint(optimizer=optimizer, callback=callback)
    assert all(torch.equal(kept, copy) for kept, copy in copies)


def test_coarse_to_fine() -> None:
    events, callback = collector()
    network = Network()
    result = paint(features=network, scales=[8, 16, 24], steps=20, callback=callback)
    scales = [event.scale for event in events if isinstance(event, Iterate)]
    assert scales == sorted(scales)
    assert set(scales) == {8, 16, 24}
    assert scales.count(24) >= 10
    assert network.sizes[0] == (8, 11)
    assert result.image.shape == (1, 3, 24, 32)
    assert result.steps == 20


def test_a_scale_starts_from_the_one_before() -> None:
    """With all steps but one at the small size, the large one begins where that ended."""
    events, callback = collector()
    paint(scales=[16, 24], steps=40, callback=callback)
    first, last = (
        next(e for e in sequence if isinstance(e, Iterate) and e.scale == scale)
        for sequence, scale in ((events, 24), (events[::-1], 16))
    )
    small = resize_shorter(first.image, 16)
    photo = resize_shorter(smooth(1), 16)
    assert (small - last.image).norm() < 0.3 * (photo - last.image).norm()


def test_size_and_the_style_beside_it() -> None:
    network = Network()
    result = paint(features=network, size=12, scales="single")
    assert result.image.shape == (1, 3, 12, 16)
    assert set(network.sizes) == {(12, 16)}  # 30x40 as well has its shorter side at 12


def test_start_is_the_photo_the_noise_or_a_picture() -> None:
    def first(**options: Any) -> Tensor:
        events, callback = collector()
        paint(steps=1, callback=callback, **options)
        assert isinstance(events[0], Iterate)
        return events[0].image

    assert torch.equal(first(), smooth(1))
    assert torch.equal(first(start_image=smooth(7)), smooth(7))
    assert first(start_image=smooth(7, 48, 64)).shape == (1, 3, 24, 32)
    noise = first(start="noise", seed=3)
    assert torch.equal(noise, first(start="noise", seed=3))
    assert not torch.equal(noise, first(start="noise", seed=4))
    assert 0.4 < noise.mean() < 0.6


def test_texture_synthesis() -> None:
    events, callback = collector()
    result = paint(texture=True, steps=40, callback=callback)
    assert isinstance(events[0], Iterate)
    assert result.image.shape == (1, 3, 30, 40)
    assert set(result.terms) == {"style", "tv"}
    assert result.terms["style"] < 0.1 * events[0].terms["style"]


def test_several_paintings() -> None:
    other = smooth(5, 20, 50)
    alone = paint(style=[stripes()])
    weighted = paint(style=[stripes(), other], style_weights=[1.0, 0.0])
    both = paint(style=[stripes(), other])
    torch.testing.assert_close(weighted.image, alone.image)
    assert not torch.allclose(both.image, alone.image, atol=0.01)


def test_extra_terms_and_another_style() -> None:
    scenes: list[ScaleInputs] = []

    def red(inputs: ScaleInputs) -> Term:
        scenes.append(inputs)
        return lambda picture, maps: (picture[:, 0] - 1).square().mean()

    result = paint(terms={"red": (50.0, red)}, scales=[12, 24], style_weight=0.0)
    assert [it.size for it in scenes] == [(12, 16), (24, 32)]
    assert set(result.terms) == {"content", "tv", "red"}
    assert result.image[:, 0].mean() > 0.95
    replaced = paint(terms={"style": (50.0, red)})
    assert replaced.terms["style"] == pytest.approx(float((replaced.image[:, 0] - 1).square().mean()))


def test_evaluations_end_it() -> None:
    result = paint(steps=1000, max_evaluations=7)
    assert result.evaluations == 7
    scaled = paint(steps=1000, max_evaluations=20, scales=[12, 24])
    assert scaled.evaluations == 20


def test_seconds_end_it() -> None:
    result = paint(steps=10**9, seconds=0.3)
    assert 0.2 < result.seconds < 3
    assert result.steps > 1


@pytest.mark.parametrize("reason", [KeyboardInterrupt, StopOptimization])
def test_interrupted_the_best_so_far_is_kept(reason: type[BaseException]) -> None:
    seen: list[Iterate] = []

    def callback(event: OptimizationEvent) -> None:
        if isinstance(event, Iterate):
            seen.append(event)
            if event.step == 6:
                raise reason

    result = paint(callback=callback)
    assert result.interrupted
    assert result.steps == 6
    assert torch.equal(result.image, min(seen, key=lambda e: e.loss).image)


def test_interrupted_at_a_small_scale_the_picture_has_its_size() -> None:
    def callback(event: OptimizationEvent) -> None:
        raise StopOptimization

    result = paint(scales=[8, 16, 24], steps=50, callback=callback)
    assert result.interrupted
    assert result.image.shape == (1, 3, 24, 32)
    assert math.isfinite(result.loss)


def test_interrupted_while_a_scale_is_prepared() -> None:
    class Slow(Network):
        interrupted = False

        def __call__(self, x: Tensor) -> dict[str, Tensor]:
            if x.shape[-1] == 32 and not self.interrupted:
                self.interrupted = True
                raise KeyboardInterrupt
            return super().__call__(x)

    result = paint(features=Slow(), scales=[12, 24], steps=50)
    assert result.interrupted
    assert 0 < result.steps < 50
    assert result.image.shape == (1, 3, 24, 32)


def test_a_step_that_is_not_finite_is_noted_and_survived() -> None:
    passes = 0

    class Fragile(Network):
        def __call__(self, x: Tensor) -> dict[str, Tensor]:
            nonlocal passes
            passes += 1
            maps = super().__call__(x)
            return {"one": maps["one"], "two": maps["two"] * (math.nan if passes == 7 else 1.0)}

    for optimizer in ("adam", "langevin", "lbfgs", "newton-cg"):
        passes = 0
        events, callback = collector()
        result = paint(features=Fragile(), optimizer=optimizer, callback=callback)
        assert any(isinstance(event, Message) and "not finite" in event.text for event in events), optimizer
        first = next(event for event in events if isinstance(event, Iterate))
        assert result.loss < first.loss
        assert result.image.isfinite().all()


def test_the_same_twice() -> None:
    for optimizer in OPTIMIZERS:
        assert torch.equal(paint(optimizer=optimizer).image, paint(optimizer=optimizer).image)


@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_loss_that_is_never_finite(optimizer: str) -> None:
    def broken(x: Tensor) -> dict[str, Tensor]:
        return {name: found * math.nan for name, found in Network()(x).items()}

    with pytest.raises(GanstyleError, match="not finite at the start"):
        paint(features=broken, optimizer=optimizer)


def test_bfloat16_features_lead_to_nearly_the_same_loss(vgg16_weights: Path) -> None:
    """Rounding leads even a few steps to another picture; it must be as good, by the median of three.

    Measured over six photos and up to 30 steps: apart by at most 0.034 of the way, either way round.
    """
    weights = find_vgg16(str(vgg16_weights))
    layers = ["relu1_2", "relu2_2", "relu3_3"]
    exact, rough = load_vgg16(weights, layers), load_vgg16(weights, layers, dtype=torch.bfloat16)

    def shortfall(photo: Tensor) -> float:
        """Return how much less far down bfloat16 came, as a fraction of the way that float32 went."""
        found = [
            optimize(photo, stripes(), features=it, settings=GatysSettings(steps=8)).image
            for it in (exact, rough)
        ]
        before, ours, theirs = (
            optimize(
                photo, stripes(), features=exact, start_image=picture, settings=GatysSettings(steps=1)
            ).loss
            for picture in (photo, *found)
        )
        assert ours < 0.5 * before
        return (theirs - ours) / (before - ours)

    assert statistics.median(shortfall(smooth(seed)) for seed in (1, 2, 3)) < 0.05


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "0 steps"),
        ({"seconds": 0.0}, "0.0 seconds"),
        ({"max_evaluations": 0}, "0 evaluations"),
        ({"content_weight": 0, "style_weight": 0, "tv_weight": 0}, "all weights are zero"),
        ({"style_weight": -1.0}, "the weight of style is -1.0"),
        ({"tv_weight": math.nan}, "the weight of tv is nan"),
        ({"optimizer": "sgd"}, "no optimizer 'sgd'; choose from adam, cma-es, langevin, lbfgs, newton-cg"),
        ({"optimizer_options": {"lr": 1.0}}, "lbfgs has no option 'lr'; it has history, first_step"),
        ({"optimizer_options": {"history": 2.5}}, "lbfgs: history cannot be 2.5; give something like 10"),
        ({"optimizer_options": {"history": True}}, "history cannot be True"),
        ({"optimizer_options": {"first_step": math.nan}}, "first_step cannot be nan"),
        ({"seed": -1}, "seed -1"),
        ({"optimizer": "adam", "optimizer_options": {"betas": 0.9}}, "give something like (0.9, 0.99)"),
        ({"optimizer": "adam", "optimizer_options": {"average": 1}}, "below 1"),
        ({"optimizer": "cma-es", "optimizer_options": {"grid": 0}}, "a grid of 1 or more"),
        ({"optimizer": "langevin", "optimizer_options": {"metropolis": 1}}, "give something like False"),
        ({"optimizer": "newton-cg", "optimizer_options": {"hessian": "bfgs"}}, "differences or exact"),
        ({"optimizer": "newton-cg", "optimizer_options": {"products": 0}}, "1 product or more"),
        ({"scales": [10, 12]}, "rise to the picture's, 24 px"),
        ({"scales": "rough"}, "give auto, single"),
        ({"start": "photo"}, "give content, noise or a picture"),
        ({"start_image": torch.rand(3, 8, 8)}, "the start has shape"),
        ({"size": 0}, "size 0"),
        ({"style": []}, "no painting"),
        ({"style_weights": [1.0, 2.0]}, "2 style weights for 1 paintings"),
        ({"style_weights": [0.0]}, "nor all zero"),
        ({"content_layers": {"relu4_2": 1.0}}, "does not give relu4_2"),
        ({"content_layers": {}}, "no content layer"),
        ({"style_layers": {"one": 0.0}}, "no style layer"),
        (
            {"features": lambda x: {k: v * math.nan for k, v in Network()(x).items()}},
            "not finite at the start",
        ),
    ],
)
def test_nonsense_is_one_clear_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GanstyleError) as caught:
        paint(**options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("photo", "style", "message"),
    [
        (torch.rand(1, 3, 3, 40), None, "the photo has 3x40 pixels, too few"),
        (None, torch.rand(1, 3, 40, 2), "painting 1 has 40x2 pixels, too few"),
        (torch.rand(3, 40, 40), None, r"the photo has shape \(3, 40, 40\)"),
        (None, [torch.rand(1, 3, 9, 9), torch.rand(1, 1, 9, 9)], r"painting 2 has shape \(1, 1, 9, 9\)"),
    ],
)
def test_images_that_do_not_do(photo: Tensor | None, style: Any, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        paint(photo, style)


def test_a_size_too_small_for_the_deepest_layer() -> None:
    features = VGG16Features(["relu3_3"], state=None)
    settings = GatysSettings(size=3, style_layers={"relu3_3": 1.0}, steps=1)
    with pytest.raises(ImageError, match="too few for relu3_3"):
        optimize(smooth(1), stripes(), features=features, settings=settings)
