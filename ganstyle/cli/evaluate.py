"""``ganstyle evaluate``: the scores of a style, or a ranking of many."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.common import report_skipped
from ganstyle.cli.options import Device, ForceJson, Inception, Vgg
from ganstyle.cli.outputs import check_outputs, write_json
from ganstyle.cli.progress import ProgressLine, Quiet, clear_line

if TYPE_CHECKING:
    from ganstyle.evaluate.score import PhotoScored, StyleScore


def evaluate(
    content: Annotated[Path, typer.Option(metavar="DIR", help="The folder of photos.", show_default=False)],
    style: Annotated[
        str | None,
        typer.Option(
            "-s",
            "--style",
            help="A shipped style's name, a checkpoint's path, hf://user/name, or a painting.",
        ),
    ] = None,
    every: Annotated[
        Path | None, typer.Option("--all", metavar="FOLDER", help="Rank all styles in a folder instead.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="The photos' shorter side in pixels; 384 if not given.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use this many photos, spread over the folder; all if not given."),
    ] = None,
    painting: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The painting or a folder of them, if not where the recipe says."),
    ] = None,
    rank_by: Annotated[
        str | None,
        typer.Option(metavar="SCORE", help="With --all: the score to rank by; style if not given."),
    ] = None,
    statistics: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Cache the features of photos and painting in this folder."),
    ] = None,
    vgg: Vgg = "auto",
    inception: Inception = "auto",
    device: Device = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything as JSON.")
    ] = None,
    force: ForceJson = False,
    quiet: Quiet = False,
) -> None:
    """Score a style on photos, or rank all styles in a folder.

    Measures how much of the photos is kept, how close the style is, and how long a photo takes. With --all,
    prints a Markdown table, the best style first. Unreadable photos and styles are reported and skipped; the
    exit code is then 1.
    """
    from ganstyle.devices import pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.evaluate import (
        choose_photos,
        load_evaluation_models,
        rank_folder,
        score_style,
        style_evaluator,
    )
    from ganstyle.evaluate.memory import memory_advice
    from ganstyle.evaluate.ranking import RANK_BY, find_styles, markdown
    from ganstyle.files import check_writable
    from ganstyle.recipe import ScoreSection
    from ganstyle.style import load_style

    if (style is None) == (every is None):
        raise GanstyleError("give a style with -s, or a folder of styles with --all")
    if rank_by and not every:
        raise GanstyleError("--rank-by orders several styles; give them with --all, or leave it out")
    if every and painting:
        raise GanstyleError("--painting is one style's; leave it out with --all")
    check_outputs(json_file=json_file, results=[statistics] if statistics else [], force=force)
    if statistics:
        check_writable(statistics)
    size = ScoreSection().size if size is None else size
    chosen = choose_photos(content, count)
    report_skipped(chosen.skipped)
    loaded = load_style(style) if style else None
    if every:
        find_styles(every)
    where = pick_device(device)
    with memory_advice("the networks that measure", "use --device cpu"):
        models = load_evaluation_models(vgg, inception, where)
    line, failed = ProgressLine("photos"), list[str]()
    if every:
        ranking = rank_folder(
            every,
            chosen.photos,
            models,
            size=size,
            by=rank_by or RANK_BY,
            statistics=statistics,
            on_event=lambda name, event: _show(line, name, event),
        )
        clear_line()
        typer.echo(markdown(ranking.scores), nl=False)
        failed = [f"{name}: {reason}" for name, reason in ranking.failures.items()]
        report_skipped(failed)
        if json_file:
            write_json(json_file, [score.record() for score in ranking.scores])
    if loaded:
        with memory_advice(f"{loaded.name}'s painting"):
            evaluator, _ = style_evaluator(
                models, chosen.photos, loaded, size=size, painting=painting, statistics=statistics
            )
        loaded.generator.to(where)
        score = score_style(loaded, evaluator, lambda event: _show(line, loaded.name, event))
        clear_line()
        _print(score)
        if json_file:
            write_json(json_file, score.record())
    if chosen.skipped or failed:
        raise typer.Exit(1)


def _show(line: ProgressLine, name: str, event: "PhotoScored") -> None:
    if event.index < event.total:
        line(f"{name}: {event.index} of {event.total} photos", event.index, event.total)


def _print(score: "StyleScore") -> None:
    from ganstyle.metrics.protocol import describe_protocol

    for name in (*score.protocol, *score.missing):
        value = f"{score.scores[name]:.5g}" if name in score.scores else "–"
        typer.echo(f"{name:<24} {value:>10}")
    typer.echo(f"{'seconds per image':<24} {score.seconds_per_image:>10.3f}")
    typer.echo("")
    for name, protocol in score.protocol.items():
        typer.echo(f"{name}: {describe_protocol(protocol)}")
    typer.echo("seconds per image: the generator alone, median")
    for name, reason in score.missing.items():
        typer.echo(f"{name}: not measured: {reason}")
