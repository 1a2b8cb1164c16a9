"""How much sooner the default reaches what the classical recipe reaches, without octaves.

Run by hand, on a machine that does nothing else meanwhile::

    python tests/benchmarks/gatys_speed.py --vgg FILE --content DIR --styles DIR

The reference is the recipe of neural-style-pt and of PyTorch's tutorial, written out plainly:
``torch.optim.LBFGS`` (history 20, no line search) from the photo, at the final size only, float32, network
and tensors in NCHW, Gram matrices as products that autograd differentiates; 150 evaluations, and the best
picture among them. Ours is `ganstyle.gatys.optimize` as it comes, stopped after as many evaluations, those
at small scales included; in bfloat16 where the processor has instructions for it. Every loss in the table is
by one and the same float32 objective on pictures in [0, 1], evaluated off the clock. Both clocks include the
features of the targets.

A second ratio lets the reference run on ganstyle's own network in float32 (channels last, cheaper Gram
gradient): its evaluations times what one of these costs. What remains is the optimizer, bfloat16 and scales.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.devices import fast_dtype
from ganstyle.gatys import (
    CONTENT_LAYERS,
    LAYERS,
    STYLE_LAYERS,
    GatysSettings,
    Iterate,
    Objective,
    OptimizationEvent,
    ScaleInputs,
    optimize,
)
from ganstyle.gatys.objective import standard_terms
from ganstyle.images import find_images, read_image, resize_shorter
from ganstyle.losses import total_variation
from ganstyle.models import VGG16Features
from ganstyle.weights import find_vgg16, load_vgg16

CONTENT, STYLE, TV = 1.0, 30.0, 0.1
# The reference knows no octaves, and nothing ends it early.
SETTINGS = GatysSettings(
    content_weight=CONTENT,
    style_weight=STYLE,
    tv_weight=TV,
    content_octaves=1,
    style_octaves=1,
    tolerance=0.0,
)
_FAST = fast_dtype(torch.device("cpu"))


@dataclass(frozen=True)
class Row:
    """One pair's result; seconds and evaluations are to the reference's best loss, None if it was not met."""

    photo: str
    painting: str
    reference_loss: float
    reference_seconds: float
    reference_evaluations: int
    reference_on_our_network_seconds: float
    our_seconds: float | None
    our_evaluations: float | None
    our_final_loss: float


def plain_reference(vgg: VGG16Features, photo: Tensor, painting: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the loss as the tutorial would compute it."""
    parameters = dict(vgg.convs.named_parameters())
    weights = {layer: parameters[f"{layer}.weight"].contiguous() for layer in vgg.convs}
    mean = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1)

    def maps(x: Tensor) -> dict[str, Tensor]:
        x, kept = x * 255 - mean, {}
        for layer in vgg.convs:
            if layer.endswith("_1") and layer != "relu1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(F.conv2d(x, weights[layer], parameters[f"{layer}.bias"], padding=1))
            kept[layer] = x
        return kept

    def gram(feature_map: Tensor) -> Tensor:
        flat = feature_map.flatten(2)[0]
        return flat @ flat.t() / flat.numel()

    with torch.no_grad():
        content = {layer: maps(photo)[layer] for layer in CONTENT_LAYERS}
        grams = {layer: gram(feature_map) for layer, feature_map in maps(painting).items()}

    def loss(x: Tensor) -> Tensor:
        found = maps(x)
        total = TV * total_variation(x)
        for layer, target in content.items():
            total = (
                total + CONTENT * F.mse_loss(found[layer], target, reduction="sum") / target.square().sum()
            )
        for layer in STYLE_LAYERS:
            distance = F.mse_loss(gram(found[layer]), grams[layer], reduction="sum")
            total = total + STYLE / len(STYLE_LAYERS) * distance / grams[layer].square().sum()
        return total

    return loss


def run_reference(
    vgg: VGG16Features, photo: Tensor, painting: Tensor, evaluations: int
) -> list[tuple[float, float]]:
    """Return (seconds, loss) after each evaluation."""
    began, history = time.perf_counter(), list[tuple[float, float]]()
    loss_of = plain_reference(vgg, photo, painting)
    x = photo.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [x],
        history_size=20,
        max_iter=evaluations,
        max_eval=evaluations,
        tolerance_grad=-1,
        tolerance_change=-1,
    )

    def closure() -> Tensor:
        with torch.no_grad():
            x.clamp_(0, 1)
        optimizer.zero_grad()
        loss = loss_of(x)
        loss.backward()  # type: ignore[no-untyped-call]
        history.append((time.perf_counter() - began, float(loss.detach())))
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return history[:evaluations]


def exact_objective(vgg: VGG16Features, photo: Tensor, painting: Tensor) -> Objective:
    """Return the evaluator."""
    inputs = ScaleInputs((photo.shape[-2], photo.shape[-1]), photo, [painting], vgg)
    terms = standard_terms(SETTINGS, [1.0])
    with torch.no_grad():
        return Objective(vgg, {name: (weight, make(inputs)) for name, (weight, make) in terms.items()})


def seconds_of_one(objective: Objective, photo: Tensor) -> float:
    """Return what an evaluation with its gradient costs: the least of three."""
    costs = []
    for _ in range(3):
        began = time.perf_counter()
        leaf = photo.clone().requires_grad_()
        torch.autograd.grad(objective(leaf)[0], leaf)
        costs.append(time.perf_counter() - began)
    return min(costs)


def compare(
    exact: VGG16Features,
    fast: VGG16Features,
    photo: Tensor,
    painting: Tensor,
    names: tuple[str, str],
    evaluations: int,
) -> Row:
    """Run both on one pair."""
    evaluator = exact_objective(exact, photo, resize_shorter(painting, min(photo.shape[-2:])))

    def loss_of(picture: Tensor) -> float:
        with torch.no_grad():
            return float(evaluator(picture)[0])

    history = run_reference(exact, photo, resize_shorter(painting, min(photo.shape[-2:])), evaluations)
    if abs(history[0][1] - loss_of(photo)) > 1e-3 * history[0][1]:
        raise AssertionError(f"the reference minimizes something else: {history[0][1]} and {loss_of(photo)}")
    best = min(loss for _, loss in history)
    number, seconds = next((i, s) for i, (s, loss) in enumerate(history, 1) if loss == best)

    iterates: list[Iterate] = []

    def keep(event: OptimizationEvent) -> None:
        if isinstance(event, Iterate) and event.scale == min(photo.shape[-2:]):
            iterates.append(event)

    result = optimize(
        photo,
        painting,
        features=fast,
        settings=replace(SETTINGS, steps=evaluations, max_evaluations=evaluations),
        callback=keep,
    )
    hit = first_below(iterates, best, loss_of)
    return Row(
        *names,
        reference_loss=best,
        reference_seconds=seconds,
        reference_evaluations=number,
        reference_on_our_network_seconds=number * seconds_of_one(evaluator, photo),
        our_seconds=None if hit is None else hit.seconds,
        our_evaluations=None if hit is None else hit.evaluations,
        our_final_loss=loss_of(result.image),
    )


def first_below(
    iterates: Sequence[Iterate], goal: float, loss_of: Callable[[Tensor], float]
) -> Iterate | None:
    """Return the first iterate that the evaluator finds at or below the goal, by bisection: losses fall."""
    low, high = 0, len(iterates)
    while low < high:
        middle = (low + high) // 2
        if loss_of(iterates[middle].image) <= goal:
            high = middle
        else:
            low = middle + 1
    return iterates[low] if low < len(iterates) else None


def _spread(paths: Sequence[Path], count: int) -> list[Path]:
    return [paths[i * len(paths) // count] for i in range(count)]


def _times(reference: float, ours: float | None) -> float:
    return 0.0 if ours is None else reference / ours


def _line(row: Row) -> str:
    pair = f"{row.photo} + {row.painting}"
    reference = f"{row.reference_loss:.4f} {row.reference_evaluations} ev. {row.reference_seconds:.1f} s"
    ours = "never" if row.our_seconds is None else f"{row.our_evaluations:.0f} ev. {row.our_seconds:.1f} s"
    sooner = _times(row.reference_seconds, row.our_seconds)
    own = _times(row.reference_on_our_network_seconds, row.our_seconds)
    verdict = "no worse" if row.our_final_loss <= row.reference_loss else "WORSE"
    return (
        f"{pair:44} {reference:>26} {ours:>24} {sooner:7.2f}x {own:8.2f}x  {row.our_final_loss:.4f} {verdict}"
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--vgg", required=True, help="file of VGG-16 weights")
    parser.add_argument("--content", type=Path, help="folder of photos")
    parser.add_argument("--styles", type=Path, help="folder of paintings")
    parser.add_argument("--size", type=int, default=384, help="shorter side in pixels")
    parser.add_argument("--pairs", type=int, default=4)
    parser.add_argument("--evaluations", type=int, default=150)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--json", type=Path, help="write the rows there")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)

    weights = find_vgg16(arguments.vgg, download=False)
    exact, fast = load_vgg16(weights, LAYERS), load_vgg16(weights, LAYERS, dtype=_FAST)
    if not (isinstance(exact, VGG16Features) and isinstance(fast, VGG16Features)):
        parser.error("--vgg: the reference is defined on the real VGG-16; give its weights")
    print(
        f"{arguments.size} px, {arguments.evaluations} evaluations, {arguments.threads} threads, "
        f"ours in {_FAST}"
    )
    print(
        f"{'pair':44} {'reference':>26} {'ours, to the same loss':>24} {'sooner':>8} {'(own net)':>9}  final"
    )
    rows = []
    photos = _spread(find_images(arguments.content).images, arguments.pairs)
    for photo, painting in zip(
        photos, _spread(find_images(arguments.styles).images, arguments.pairs), strict=True
    ):
        picture = resize_shorter(read_image(photo), arguments.size)
        row = compare(
            exact, fast, picture, read_image(painting), (photo.name, painting.name), arguments.evaluations
        )
        rows.append(row)
        print(_line(row), flush=True)
    sooner = statistics.median(_times(row.reference_seconds, row.our_seconds) for row in rows)
    own = statistics.median(_times(row.reference_on_our_network_seconds, row.our_seconds) for row in rows)
    no_worse = sum(row.our_final_loss <= row.reference_loss for row in rows)
    print(f"median: {sooner:.2f}x sooner ({own:.2f}x with the reference on our network)")
    print(f"at equal evaluations no worse on {no_worse} of {len(rows)} pairs")
    if arguments.json:
        report = {"rows": [asdict(row) for row in rows], "median": sooner, "own": own}
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
