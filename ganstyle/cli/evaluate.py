"""``ganstyle evaluate``: the scores of a style, or a ranking of many."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.outputs import check_outputs, write_json
from ganstyle.cli.progress import Ticker

if TYPE_CHECKING:
    from ganstyle.evaluate.score import Measured, StyleScore


def evaluate(
    content: Annotated[Path, typer.Option(metavar="DIR", help="The folder of photos.", show_default=False)],
    style: Annotated[
        str | None, typer.Option("-s", "--style", help="A shipped style's name or a checkpoint's path.")
    ] = None,
    every: Annotated[
        Path | None, typer.Option("--all", metavar="FOLDER", help="Rank all styles in a folder instead.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="The photos' shorter side in pixels; 384 if not given.")
    ] = None,
    count: Annotated[
        int | None, typer.Option(metavar="N", help="Photos, spread over the folder; all if not given.")
    ] = None,
    painting: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The painting, if it is not where the recipe has it; or a folder."),
    ] = None,
    rank_by: Annotated[
        str | None, typer.Option(metavar="SCORE", help="What decides with --all; style if not given.")
    ] = None,
    statistics: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the features of photos and painting here.")
    ] = None,
    vgg: Annotated[str, typer.Option(help="auto, distilled, imagenet, or a file of weights.")] = "auto",
    inception: Annotated[
        str, typer.Option(help="FID's network: auto, off (VGG-16 instead), or its file.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the JSON file if it exists.")] = False,
) -> None:
    """Score a style on photos: what is left of them, how much of the painting arrived, and the time it takes.

    With --all, prints a Markdown table of all styles in a folder, the best first.
    """
    from ganstyle.devices import pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.evaluate import choose_photos, load_evaluation_models, rank_folder, score_style
    from ganstyle.evaluate.ranking import RANK_BY, find_styles, markdown
    from ganstyle.files import check_writable
    from ganstyle.recipe import ScoreSection
    from ganstyle.style import load_style

    if (style is None) == (every is None):
        raise GanstyleError("give a style with -s, or a folder of styles with --all")
    if every and painting:
        raise GanstyleError("--painting is one style's; leave it out with --all")
    check_outputs(json_file=json_file, force=force)
    if statistics:
        check_writable(statistics)
    size = ScoreSection().size if size is None else size
    photos = choose_photos(content, count)
    loaded = load_style(style) if style else None
    if every:
        find_styles(every)
    where = pick_device(device)
    instruments = load_evaluation_models(vgg, inception, where)
    ticker = Ticker()
    if every:
        ranked = rank_folder(
            every,
            photos,
            instruments,
            size=size,
            by=rank_by or RANK_BY,
            statistics=statistics,
            on_event=lambda name, event: _tick(ticker, name, event),
        )
        typer.echo(markdown(ranked), nl=False)
        if json_file:
            write_json(json_file, [score.record() for score in ranked])
    if loaded:
        evaluator, _ = instruments.evaluator(
            photos, loaded, size=size, painting=painting, statistics=statistics
        )
        loaded.generator.to(where)
        score = score_style(loaded, evaluator, lambda event: _tick(ticker, loaded.name, event))
        _print(score)
        if json_file:
            write_json(json_file, score.record())


def _tick(ticker: Ticker, name: str, event: "Measured") -> None:
    if event.index < event.total:
        ticker(f"{name}: {event.index} of {event.total} photos")


def _print(score: "StyleScore") -> None:
    from ganstyle.metrics.protocol import describe

    for name in score.protocol:
        value = f"{score.scores[name]:.5g}" if name in score.scores else "–"
        typer.echo(f"{name:<20} {value:>10}")
    typer.echo(f"{'seconds an image':<20} {score.seconds_per_image:>10.3f}")
    typer.echo("")
    for name, protocol in score.protocol.items():
        typer.echo(f"{name}: {describe(protocol)}")
    typer.echo("seconds an image: the generator alone, median")
