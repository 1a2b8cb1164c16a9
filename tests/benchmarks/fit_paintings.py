"""What some minutes of ``ganstyle fit`` gain over the generator for any painting, on unseen paintings.

    python -m tests.benchmarks.fit_paintings --out STUDY --photos TRAIN --val VAL --paintings UNSEEN

Fits to one painting after another, with all cores; then scores all of them before and after. A painting whose
style is in STUDY already is not fitted again, so the same command continues a study that was stopped.
"""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from ganstyle.files import atomic_write
from ganstyle.images import find_images
from ganstyle.style import load_style, style_from
from ganstyle.training.fit import fit
from tests.benchmarks.any_painting import PairScorer, PairTable


def main(
    out: Annotated[Path, typer.Option(help="A folder for the styles and the table.")],
    photos: Annotated[Path, typer.Option(help="A folder of photos to train on.")],
    val: Annotated[Path, typer.Option(help="A folder of other photos, to score on.")],
    paintings: Annotated[Path, typer.Option(help="A folder of paintings that were not trained on.")],
    minutes: Annotated[float, typer.Option(help="For each painting.")] = 2.0,
    count: Annotated[int, typer.Option(min=1, help="Photos to score on.")] = 4,
    size: Annotated[int, typer.Option(min=64, help="Their shorter side in pixels.")] = 384,
    vgg: Annotated[str, typer.Option(help="VGG-16 to score with.")] = "auto",
) -> None:
    """Fit to every painting, and score before and after."""
    files = find_images(paintings).images
    before = [style_from(file) for file in files]
    after = []
    for file in files:
        style = out / f"{file.stem}.safetensors"
        if not style.exists():
            # A run that an interrupted fit had left would be trained on, for longer than the others.
            with TemporaryDirectory() as runs:
                fitted = fit(file, style, photos=photos, minutes=minutes, runs=runs)
            typer.echo(f"{file.name}: {fitted.steps} steps")
            if not fitted.finished:
                style.unlink()
                typer.echo("stopped; the same command continues")
                return
        after.append(load_style(style))
    scorer = PairScorer(find_images(val).images[:count], files, size, vgg)
    tables = [scorer.score([style.generator for style in styles]) for styles in (before, after)]
    text = markdown([file.stem for file in files], *tables)
    with atomic_write(out / "table.md") as temporary:
        temporary.write_text(text + "\n")
    typer.echo(text)


def markdown(names: list[str], before: PairTable, after: PairTable) -> str:
    """Return the scores of each painting, and their means, before and after."""
    heads = [
        "painting",
        "content",
        "style",
        "coarse style",
        "content after",
        "style",
        "coarse style",
        "ratio",
    ]
    lines = [f"| {' | '.join(heads)} |", "| --- " * len(heads) + "|"]
    means = [table.scores.reshape(-1, len(names), 3).mean(0) for table in (before, after)]
    for name, *row in zip([*names, "mean"], *([*mean, mean.mean(0)] for mean in means), strict=True):
        numbers = [f"{scores[0]:.2f} | {scores[1]:.3f} | {scores[2]:.3f}" for scores in row]
        lines.append(f"| {' | '.join([name, *numbers, f'{row[1][1] / row[0][1]:.0%}'])} |")
    own = f"nearest to its own painting: {before.first:.0%} before, {after.first:.0%} after"
    return "\n".join([*lines, "", own])


if __name__ == "__main__":
    typer.run(main)
