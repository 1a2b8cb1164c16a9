"""How well the generator for any painting does on paintings that it has never seen.

    python tests/benchmarks/any_painting.py --photos PHOTOS --paintings UNSEEN [--generator any.safetensors]

Paints each photo in the style of each painting, and prints the scores over all pairs; and how often a picture
is nearest to its own painting, of all that were given, by an independent network. It was trained to name what
a photo shows; so the mean over all pictures of a photo is subtracted first, as is the mean painting.
"""

from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn.functional import normalize

from ganstyle.anystyle import load_any
from ganstyle.anystyle.checkpoint import find_any
from ganstyle.images import find_images, read_image, resize_shorter
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.metrics.efficientnet import EfficientNetJudge, load_judge
from ganstyle.weights import find_vgg16, load_vgg16


@torch.inference_mode()
def main(
    photos: Annotated[Path, typer.Option(help="A folder.")],
    paintings: Annotated[list[Path], typer.Option(help="Files or folders that were not trained on.")],
    generator: Annotated[Path | None, typer.Option(help="The shipped one if not given.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Photos.")] = 4,
    size: Annotated[int, typer.Option(min=64, help="Shorter side in pixels.")] = 384,
    vgg: Annotated[str, typer.Option()] = "auto",
    strength: Annotated[list[float] | None, typer.Option(help="Also between the photo and 1.")] = None,
) -> None:
    """Score the generator for any painting."""
    anyone, judge = load_any(find_any(generator)), load_judge(torch.device("cpu"))
    features = load_vgg16(find_vgg16(vgg), list(YARDSTICK_LAYERS))
    files = [file for path in paintings for file in ([path] if path.is_file() else find_images(path).images)]
    targets = [read_image(file) for file in files]
    codes = [anyone.encode(anyone.view(target)) for target in targets]
    yardsticks = [Yardstick.of_paintings(features, [target], size=size) for target in targets]
    own = _directions([_seen(judge, resize_shorter(target, size)) for target in targets])
    for value in strength or [1.0]:
        rows, first = [], 0
        for path in find_images(photos).images[:count]:
            photo = resize_shorter(read_image(path), size)
            seen = []
            for code, yardstick in zip(codes, yardsticks, strict=True):
                picture = anyone.generator(photo, torch.lerp(anyone.neutral, code, value))
                coarse = yardstick.style_coarse(picture)
                rows.append([*map(float, yardstick.measure(picture, photo)), float(coarse or 0)])
                seen.append(_seen(judge, picture))
            nearest = (_directions(seen) @ own.mT).argmax(1)
            first += int((nearest == torch.arange(len(files))).sum())
        table = torch.tensor(rows)
        names = ("content", "style", "coarse style")
        means = zip(names, table.mean(0).tolist(), table.median(0).values.tolist(), strict=True)
        scores = ", ".join(f"{name} {mean:.3f} (median {median:.3f})" for name, mean, median in means)
        typer.echo(f"strength {value:g}: {scores}; {len(files)} paintings x {count} photos at {size} px")
        typer.echo(f"nearest to its own painting, by {judge.name}: {first / len(rows):.0%}")


def _seen(judge: EfficientNetJudge, image: Tensor) -> Tensor:
    """Return the mean of the last map, (1, C)."""
    return judge.last_map(image).mean((2, 3))


def _directions(seen: list[Tensor]) -> Tensor:
    """Return in which direction each differs from the mean, (n, C)."""
    vectors = torch.cat(seen)
    return normalize(vectors - vectors.mean(0))


if __name__ == "__main__":
    typer.run(main)
