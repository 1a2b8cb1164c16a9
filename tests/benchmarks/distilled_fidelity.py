"""How far the distilled VGG-16 can stand in for the real one; everything is judged by the real one.

    python tests/benchmarks/distilled_fidelity.py --reference VGG16 --content PHOTOS --styles PAINTINGS

Four questions, in one run (choose some with --only):

- speed: seconds of a forward and backward pass at 256 and 512 px, from the image to all three maps and back.
- ranking: Spearman's rank correlation of the two networks' style distances, all photos x all paintings.
- gatys: the same single-scale L-BFGS with either network. The content weight of the student's run is tuned
  until both pictures have the same content distance; the ratio of their style distances is the price.
- training: a generator trained with either network, the same recipe and seed, on the yardstick.
"""

import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from scipy.stats import spearmanr
from torch import Tensor

from ganstyle.devices import fast_dtype
from ganstyle.gatys import GatysSettings, optimize
from ganstyle.images import find_images, image_grid, read_image, resize, resize_shorter, write_image
from ganstyle.losses import gram_matrix, relative_distance
from ganstyle.losses.features import FeatureExtractor
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.training import train
from ganstyle.weights import FeatureNetwork, WeightsFile, find_vgg16, load_vgg16

_QUESTIONS = ("speed", "ranking", "gatys", "training")
_RECIPES = Path(__file__).parents[2] / "recipes"


def main(
    reference: Annotated[Path, typer.Option(help="The real VGG-16's weights.")],
    content: Annotated[Path, typer.Option(help="A folder of photos that nothing was trained on.")],
    styles: Annotated[Path, typer.Option(help="A folder of paintings.")],
    student: Annotated[str, typer.Option(help="distilled, or a student's file.")] = "distilled",
    photos: Annotated[Path | None, typer.Option(help="training: a folder of photos to train on.")] = None,
    output: Annotated[Path, typer.Option("-o", help="Where pictures and figures go.")] = Path("fidelity"),
    pairs: Annotated[int, typer.Option(min=1, help="gatys: pairs of a photo and a painting.")] = 8,
    evaluations: Annotated[int, typer.Option(min=2, help="gatys: passes of the network a run.")] = 150,
    content_weight: Annotated[float, typer.Option(help="gatys: of the real network's run.")] = 10.0,
    steps: Annotated[int, typer.Option(min=1, help="training: steps.")] = 1000,
    only: Annotated[list[str] | None, typer.Option(help=f"{', '.join(_QUESTIONS)}; repeatable.")] = None,
) -> None:
    """Compare the student with the real network."""
    real_file, student_file = find_vgg16(str(reference)), find_vgg16(student)
    real, small = (load_vgg16(f, YARDSTICK_LAYERS) for f in (real_file, student_file))
    figures: dict[str, Any] = {"reference": real_file.sha256, "student": student_file.sha256}
    asked = only or _QUESTIONS
    if "speed" in asked:
        figures["speed"] = {side: _speed(real, small, side) for side in (256, 512)}
    if "ranking" in asked:
        figures["ranking"] = _ranking(real, small, content, styles)
    if "gatys" in asked:
        files = (real_file, student_file)
        figures["gatys"] = _gatys(real, files, content, styles, pairs, evaluations, content_weight, output)
    if "training" in asked:
        figures["training"] = _training(real, reference, student, photos, content, styles, steps)
    output.mkdir(parents=True, exist_ok=True)
    (output / "fidelity.json").write_text(json.dumps(figures, indent=2))


def _speed(real: FeatureNetwork, small: FeatureNetwork, side: int) -> dict[str, float]:
    """Time both networks by turns, fifteen times each; the fastest of each counts."""
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(0))
    best = {"real": math.inf, "student": math.inf}
    for _ in range(15):
        for name, network in (("real", real), ("student", small)):
            given = [torch.ones_like(maps) for maps in network(image).values()]
            began = time.perf_counter()
            x = image.clone().requires_grad_()
            torch.autograd.grad(list(network(x).values()), x, given)
            best[name] = min(best[name], time.perf_counter() - began)
    ratio = best["real"] / best["student"]
    typer.echo(
        f"speed {side} px, {torch.get_num_threads()} threads, fp32: real {best['real'] * 1e3:.0f} ms, "
        f"student {best['student'] * 1e3:.0f} ms: {ratio:.2f} times as fast"
    )
    return {**best, "ratio": ratio}


@torch.no_grad()
def _ranking(
    real: FeatureNetwork, small: FeatureNetwork, content: Path, styles: Path, side: int = 256
) -> dict[str, float]:
    """Correlate the ranks that the networks give to all pairs."""
    distances: dict[str, list[float]] = {"real": [], "student": []}
    photos = [resize_shorter(read_image(path), side) for path in find_images(content).images]
    paintings = [resize_shorter(read_image(path), side) for path in find_images(styles).images]
    for name, network in (("real", real), ("student", small)):
        wanted = [_grams(network, painting) for painting in paintings]
        for photo in photos:
            given = _grams(network, photo)
            distances[name] += [
                sum(relative_distance(given[k], w[k]).item() for k in w) / len(w) for w in wanted
            ]
    rho = float(spearmanr(distances["real"], distances["student"]).statistic)
    typer.echo(f"ranking {len(photos)} photos x {len(paintings)} paintings: Spearman {rho:.4f}")
    return {"photos": len(photos), "paintings": len(paintings), "spearman": rho}


def _grams(network: FeatureExtractor, image: Tensor) -> dict[str, Tensor]:
    return {layer: gram_matrix(maps) for layer, maps in network(image).items()}


def _gatys(
    real: FeatureNetwork,
    files: tuple[WeightsFile, WeightsFile],
    content: Path,
    styles: Path,
    pairs: int,
    evaluations: int,
    content_weight: float,
    output: Path,
    side: int = 256,
) -> dict[str, Any]:
    """Paint each pair with both networks, at the same content distance.

    Both paint in bfloat16 where `ganstyle optimize` would; ``real`` judges in float32.
    """
    dtype = fast_dtype(torch.device("cpu"))
    painters = [load_vgg16(file, YARDSTICK_LAYERS, dtype=dtype) for file in files]
    weight = content_weight
    photos, paintings = find_images(content).images, find_images(styles).images
    lines: list[dict[str, Any]] = []
    for number in range(pairs):
        photo_file = photos[(number * 7) % len(photos)]
        painting_file = paintings[(number * 5) % len(paintings)]
        photo = resize_shorter(read_image(photo_file), side)
        painting = read_image(painting_file)
        pair = _Pair(real, photo, painting, evaluations)
        best = pair.paint(painters[0], content_weight)
        wanted, style = pair.evaluator(best)
        image, kept, own, weight = _tune(partial(pair.paint, painters[1]), pair.evaluator, wanted, weight)
        ratio = own / style
        lines.append(
            {
                "photo": photo_file.name,
                "painting": painting_file.name,
                "content": wanted,
                "content_student": kept,
                "weight_student": weight,
                "style": style,
                "style_student": own,
                "ratio": ratio,
            }
        )
        typer.echo(
            f"gatys {photo_file.name} + {painting_file.name}: content {wanted:.4f} and {kept:.4f} (weight "
            f"{weight:.3f}), style {style:.5f} and {own:.5f}: ratio {ratio:.2f}"
        )
        shown = [photo, resize(painting, tuple(photo.shape[-2:])), best, image]  # type: ignore[arg-type]
        write_image(image_grid(torch.cat(shown), 4), output / f"{number}-{painting_file.stem}.png")
    median = statistics.median(line["ratio"] for line in lines)
    typer.echo(f"gatys: median style ratio {median:.3f} over {pairs} pairs")
    return {"median": median, "pairs": lines}


class _Pair:
    """A photo and a painting; pictures of them are judged by the real network."""

    def __init__(self, real: FeatureNetwork, photo: Tensor, painting: Tensor, evaluations: int) -> None:
        self.photo, self.painting, self.evaluations = photo, painting, evaluations
        self._yardstick = Yardstick.of_paintings(real, [painting], size=min(photo.shape[-2:]))

    def paint(self, network: FeatureNetwork, content_weight: float) -> Tensor:
        """Run L-BFGS at the photo's own size."""
        return optimize(
            self.photo,
            self.painting,
            features=network,
            settings=GatysSettings(
                scales="single",
                steps=10 * self.evaluations,
                max_evaluations=self.evaluations,
                content_weight=content_weight,
                content_octaves=1,
                style_octaves=1,
                tolerance=0.0,
            ),
        ).image

    def evaluator(self, image: Tensor) -> tuple[float, float]:
        """Return the content and style distances."""
        content, style = self._yardstick.measure(image, self.photo)
        return float(content), float(style)


def _tune(
    paint: Callable[[float], Tensor],
    evaluator: Callable[[Tensor], tuple[float, float]],
    wanted: float,
    weight: float,
    tolerance: float = 0.05,
    tries: int = 6,
) -> tuple[Tensor, float, float, float]:
    """Find the content weight that ends at a content distance, by secants in the logarithms.

    Returns:
        The picture, its content and style distances, and the weight; ``weight`` is tried first.
    """
    tried: list[tuple[float, float]] = []
    best: tuple[Tensor, float, float, float] | None = None
    log_weight = math.log(weight)
    for _ in range(tries):
        image = paint(math.exp(log_weight))
        content, style = evaluator(image)
        miss = math.log(content / wanted)
        if best is None or abs(miss) < abs(math.log(best[1] / wanted)):
            best = (image, content, style, math.exp(log_weight))
        if abs(miss) <= math.log(1 + tolerance):
            break
        tried.append((log_weight, miss))
        slope = -0.8  # of the content distance in the weight, a fair guess for a start
        if len(tried) > 1:
            (a, miss_a), (b, miss_b) = tried[-2:]
            slope = min(-0.2, (miss_b - miss_a) / (b - a)) if a != b else slope
        log_weight -= max(-1.5, min(1.5, miss / slope))
    assert best is not None
    return best


def _training(
    real: FeatureNetwork,
    reference: Path,
    student: str,
    photos: Path | None,
    content: Path,
    styles: Path,
    steps: int,
) -> dict[str, Any]:
    """Train a generator with either network, and evaluator both by the real one."""
    if photos is None:
        raise typer.BadParameter("--photos is needed to train on")
    painting = find_images(styles).images[0]
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, vgg in (("real", str(reference)), ("student", student)):
            began = time.perf_counter()
            recipe = Recipe.load(
                _RECIPES / "resnet.yaml",
                [
                    *(f"name={name}", f"steps={steps}", f"vgg={vgg}", f"run.dir={folder}", "image_size=128"),
                    *(f"content.path={photos}", f"style.path={painting}", "score.every=0", "accumulate=1"),
                    *("run.sample_every=0", "run.save_every=0", "run.log_every=100"),
                ],
            )
            style = train(recipe).style
            scores = _score(real, style, content, painting)
            found[name] = {**scores, "seconds": time.perf_counter() - began}
            typer.echo(f"training {steps} steps with the {name}: {found[name]}")
    return found


@torch.inference_mode()
def _score(real: FeatureNetwork, style: Path, content: Path, painting: Path) -> dict[str, float]:
    """Return the yardstick's means over twenty photos at 384 px."""
    generator = load_style(style).generator
    yardstick = Yardstick.of_paintings(real, [read_image(painting)], size=384)
    photos = [resize_shorter(read_image(path), 384) for path in find_images(content).images[:20]]
    measured = torch.stack([torch.stack(yardstick.measure(generator(p), p)) for p in photos]).mean(0)
    return {"content": float(measured[0]), "style": float(measured[1])}


if __name__ == "__main__":
    typer.run(main)
