"""How well the generator for any painting does on paintings that it has never seen.

    python tests/benchmarks/any_painting.py --photos PHOTOS --paintings UNSEEN [--generator any.safetensors]

Paints each photo in the style of each painting, and prints the scores over all pairs; and how often a picture
is nearest to its own painting, of all that were given, by an independent network. It was trained to name what
a photo shows; so the mean over all pictures of a photo is subtracted first, as is the mean painting.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor
from torch.nn.functional import normalize

from ganstyle.anystyle import REFINEMENT_STEPS, AnyPainting, load_any, refine_code
from ganstyle.anystyle.checkpoint import find_any
from ganstyle.arbitrary.validation import PAIR_SCORES, paint_and_score
from ganstyle.images import find_images, read_image, resize_shorter
from ganstyle.metrics import YARDSTICK_LAYERS, Yardstick
from ganstyle.metrics.efficientnet import load_judge
from ganstyle.style import style_from
from ganstyle.weights import find_vgg16, load_vgg16


@dataclass(frozen=True)
class PairTable:
    """Scores of all pairs of photos and paintings.

    Attributes:
        scores: content, style and coarse style of each pair, (pairs, 3): of the first photo in every
            style, then of the next one.
        first: how often a picture is nearest to its own painting, 0 to 1.
    """

    scores: Tensor
    first: float


class PairScorer:
    """Scores generators on all pairs.

    Args:
        photos: their files.
        paintings: their files.
        size: shorter side of the photos and, for the scores, of the paintings, in pixels.
        vgg: which VGG-16 to score with.
    """

    def __init__(self, photos: Sequence[Path], paintings: Sequence[Path], size: int, vgg: str) -> None:
        self.judge = load_judge(torch.device("cpu"))
        self._photos, self._size = photos, size
        self._paintings = [read_image(file) for file in paintings]
        features = load_vgg16(find_vgg16(vgg), list(YARDSTICK_LAYERS))
        self._yardsticks = [Yardstick.of_paintings(features, [each], size=size) for each in self._paintings]
        self._own = self._directions([resize_shorter(each, size) for each in self._paintings])

    def score_any(self, anyone: AnyPainting, strength: float = 1.0, refine: int = 0) -> PairTable:
        """Paint every photo in the style of every painting, with the generator for any painting."""
        views = [anyone.view(painting) for painting in self._paintings]
        codes = [refine_code(anyone, anyone.encode(view), view, steps=refine) for view in views]
        codes = [torch.lerp(anyone.neutral, code, strength) for code in codes]
        return self.score([partial(anyone.generator, style=code) for code in codes])

    def score_adapted(self, path: Path, strength: float, refine: int, steps: int) -> PairTable:
        """Paint every photo in a style of every painting that was adapted to this photo alone."""
        styles = [style_from(each, generator=path, refine=refine) for each in self._paintings]
        tables = []
        for file in self._photos:
            photo = resize_shorter(read_image(file), self._size)
            adapted = [style.adapt(photo, steps=steps).generator for style in styles]
            painters = [partial(generator, strength=strength) for generator in adapted]
            tables.append(self._score_photo(photo, painters))
        return _joined(tables)

    @torch.inference_mode()
    def score(self, painters: Sequence[Callable[[Tensor], Tensor]]) -> PairTable:
        """Paint every photo with every painter, one for each painting."""
        photos = [resize_shorter(read_image(path), self._size) for path in self._photos]
        return _joined([self._score_photo(photo, painters) for photo in photos])

    @torch.inference_mode()
    def _score_photo(self, photo: Tensor, painters: Sequence[Callable[[Tensor], Tensor]]) -> PairTable:
        painted = list(paint_and_score(painters, photo, self._yardsticks))
        nearest = (self._directions([picture for picture, _ in painted]) @ self._own.mT).argmax(1)
        first = (nearest == torch.arange(len(painters))).float().mean()
        return PairTable(torch.tensor([scores for _, scores in painted]), float(first))

    @torch.inference_mode()
    def _directions(self, images: list[Tensor]) -> Tensor:
        """Return in which direction the mean of each image's last map differs from all the means', (n, C)."""
        vectors = torch.cat([self.judge.last_map(image).mean((2, 3)) for image in images])
        return normalize(vectors - vectors.mean(0))


def _joined(tables: Sequence[PairTable]) -> PairTable:
    """Return the table of several photos, each in the same styles."""
    first = sum(table.first for table in tables) / len(tables)
    return PairTable(torch.cat([table.scores for table in tables]), first)


def main(
    photos: Annotated[Path, typer.Option(help="A folder.")],
    paintings: Annotated[list[Path], typer.Option(help="Files or folders that were not trained on.")],
    generator: Annotated[Path | None, typer.Option(help="The shipped one if not given.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Photos.")] = 4,
    size: Annotated[int, typer.Option(min=64, help="Shorter side in pixels.")] = 384,
    vgg: Annotated[str, typer.Option()] = "auto",
    refine: Annotated[int, typer.Option(min=0, help="Steps that refine each code.")] = REFINEMENT_STEPS,
    adapt: Annotated[int, typer.Option(min=0, help="Steps that adapt each style to each photo.")] = 0,
    strength: Annotated[list[float] | None, typer.Option(help="Also between the photo and 1.")] = None,
) -> None:
    """Score the generator for any painting."""
    files = [file for path in paintings for file in ([path] if path.is_file() else find_images(path).images)]
    scorer = PairScorer(find_images(photos).images[:count], files, size, vgg)
    path = find_any(generator)
    anyone = load_any(path)
    for value in strength or [1.0]:
        if adapt:
            table = scorer.score_adapted(path, value, refine, adapt)
        else:
            table = scorer.score_any(anyone, value, refine)
        names = [name.replace("style_coarse", "coarse style") for name in PAIR_SCORES]
        middle = table.scores.median(0).values.tolist()
        means = zip(names, table.scores.mean(0).tolist(), middle, strict=True)
        scores = ", ".join(f"{name} {mean:.3f} (median {median:.3f})" for name, mean, median in means)
        typer.echo(f"strength {value:g}: {scores}; {len(files)} paintings x {count} photos at {size} px")
        typer.echo(f"nearest to its own painting, by {scorer.judge.name}: {table.first:.0%}")


if __name__ == "__main__":
    typer.run(main)
