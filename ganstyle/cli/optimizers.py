"""``ganstyle optimizers``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganstyle.cli.common import INTERRUPTED, pick_precision, read_start
from ganstyle.cli.outputs import check_outputs, write_json

if TYPE_CHECKING:
    from ganstyle.gatys.benchmark.comparison import RunFinished


def optimizers(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The photo.", show_default=False)],
    styles: Annotated[
        list[Path], typer.Argument(metavar="STYLE", help="One or more paintings.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the report.", show_default=False)
    ],
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="The one budget of each run; 60 if not given.")
    ] = None,
    evaluations: Annotated[
        float | None,
        typer.Option(metavar="N", help="The other budget, in passes of the network; 200 if not given."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Shorter side in pixels; 192 if not given.")
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", help="Runs of an optimizer that draws at random; 3 if not given."),
    ] = None,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare these only; may be given several times."),
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="WHAT", help="Begin with: content, noise, or an image file.")
    ] = None,
    content_weight: Annotated[float | None, typer.Option(metavar="W", help="Weight of the photo.")] = None,
    style_weight: Annotated[float | None, typer.Option(metavar="W", help="Weight of the paintings.")] = None,
    tv_weight: Annotated[float | None, typer.Option(metavar="W", help="Weight of smoothness.")] = None,
    vgg: Annotated[str, typer.Option(help="auto, distilled, imagenet, or a file of weights.")] = "auto",
    precision: Annotated[
        str, typer.Option(help="Of the network while it is optimized against: auto, fp32 or bf16.")
    ] = "auto",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write optimizers.json here as well.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a report and a JSON file that exist.")
    ] = False,
) -> None:
    """Compare all optimizers on one photo and painting: loss over time and over evaluations.

    Each runs once for so many seconds and once for so many evaluations of the network, and those that draw
    at random once per seed. Writes index.html, optimizers.json, plots and pictures.
    """
    from ganstyle.devices import pick_device
    from ganstyle.gatys.benchmark.comparison import compare
    from ganstyle.gatys.benchmark.conclusion import conclusion
    from ganstyle.gatys.benchmark.report import RECORD, read_record, write_report
    from ganstyle.images import read_image
    from ganstyle.reports import PAGE
    from ganstyle.weights import find_vgg16

    check_outputs(report=output, report_files=(PAGE, RECORD), json_file=json_file, force=force)
    where = pick_device(device)
    options: dict[str, Any] = {
        "seconds": seconds,
        "evaluations": evaluations,
        "size": size,
        "seeds": seeds,
        "optimizers": optimizer or None,
        "start": read_start(start, where),
        "content_weight": content_weight,
        "style_weight": style_weight,
        "tv_weight": tv_weight,
    }
    given = {name: value for name, value in options.items() if value is not None}
    weights = find_vgg16(vgg)
    typer.echo(f"{weights.name}, SHA-256 {weights.sha256}")
    try:
        comparison = compare(
            read_image(content),
            [read_image(style) for style in styles],
            vgg=weights,
            dtype=pick_precision(precision, where),
            device=where,
            on_event=_print,
            **given,
        )
    except KeyboardInterrupt:
        typer.echo("interrupted: no report is written", err=True)
        raise typer.Exit(INTERRUPTED) from None
    page = write_report(
        comparison, output, content=content.name, styles=[style.name for style in styles], force=force
    )
    typer.echo(conclusion(comparison))
    typer.echo(f"report: {page}")
    if json_file is not None:
        write_json(json_file, read_record(output))


def _print(event: "RunFinished") -> None:
    from ganstyle.gatys.benchmark.summary import amount

    run = event.run
    typer.echo(
        f"[{event.index}/{event.total}] {run.optimizer}, {amount(run.budget)}, seed {run.seed}: "
        f"loss {run.loss:.4f} after {run.evaluations:.0f} evaluations, {run.seconds:.1f} s, "
        f"{run.peak_memory / 2**20:.0f} MiB"
    )
