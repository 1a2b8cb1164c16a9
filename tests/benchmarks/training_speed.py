"""What the adversarial part costs: images a second with and without a discriminator, in one run.

    python tests/benchmarks/training_speed.py --vgg VGG16.safetensors --content PHOTOS --style PAINTING

Trains each recipe with and without a discriminator by turns, at 256 px and batch 4, and compares the medians
over all steps but the first of each turn. Prints one line a pair; the cost is 1 - with/without.
"""

import statistics
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from ganstyle.recipe import Recipe
from ganstyle.training import Event, Progress, train

_RECIPES = Path(__file__).parents[2] / "recipes"
# johnson.yaml has no discriminator of its own: it is given the default one, at its full width.
_PAIRS = {
    "resnet": ("resnet.yaml", []),
    "johnson": ("johnson.yaml", ["discriminator={name: patchgan}"]),
}


def main(
    vgg: Annotated[Path, typer.Option(help="VGG-16 weights.")],
    content: Annotated[Path, typer.Option(help="A folder of photos.")],
    style: Annotated[Path, typer.Option(help="A painting.")],
    steps: Annotated[int, typer.Option(min=2, help="Steps a turn.")] = 6,
    turns: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Time the training loop with and without its adversarial part."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (file, adversarial) in _PAIRS.items():
            speeds: dict[str, list[float]] = {"with": [], "without": []}
            for turn in range(turns):
                for kind, changes in (("without", ["discriminator=null"]), ("with", adversarial)):
                    recipe = Recipe.load(
                        _RECIPES / file,
                        [
                            *("image_size=256", "batch_size=4", "accumulate=1", "score.every=0"),
                            *(f"name={name}-{kind}-{turn}", f"steps={steps}", f"vgg={vgg}"),
                            *(f"content.path={content}", f"style.path={style}", f"run.dir={folder}"),
                            *("run.log_every=1", "run.sample_every=0", "run.save_every=0", *changes),
                        ],
                    )
                    speeds[kind] += _speeds(recipe)
            without, with_gan = statistics.median(speeds["without"]), statistics.median(speeds["with"])
            typer.echo(
                f"{name:<14} without GAN {without:6.2f} img/s   with GAN {with_gan:6.2f} img/s   "
                f"cost {1 - with_gan / without:6.1%}   ({len(speeds['with'])} steps each)"
            )


def _speeds(recipe: Recipe) -> list[float]:
    speeds: list[float] = []

    def note(event: Event) -> None:
        if isinstance(event, Progress):
            speeds.append(event.images_per_second)

    train(recipe, note)
    return speeds[1:]


if __name__ == "__main__":
    typer.run(main)
