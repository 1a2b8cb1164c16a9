"""``ganstyle optimizers``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.common import INTERRUPTED, pick_precision
from ganstyle.cli.inputs import read_start_image
from ganstyle.cli.options import Device, ForceReport, Vgg
from ganstyle.cli.outputs import check_outputs, write_json
from ganstyle.cli.progress import Quiet, tell
from ganstyle.gatys.settings import BenchmarkSettings, GatysSettings

if TYPE_CHECKING:
    from ganstyle.gatys.benchmark.comparison import RunFinished

_DEFAULTS = BenchmarkSettings()


def optimizers(
    content: Annotated[Path, typer.Argument(metavar="CONTENT", help="The photo.", show_default=False)],
    styles: Annotated[
        list[Path], typer.Argument(metavar="STYLE", help="One or more paintings.", show_default=False)
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the report.", show_default=False)
    ],
    seconds: Annotated[float, typer.Option(metavar="S", help="Time budget of each run.")] = _DEFAULTS.seconds,
    evaluations: Annotated[
        float, typer.Option(metavar="N", help="Budget of each run in network evaluations.")
    ] = _DEFAULTS.evaluations,
    size: Annotated[int, typer.Option(min=1, metavar="N", help="Shorter side in pixels.")] = _DEFAULTS.size,
    seeds: Annotated[
        int, typer.Option(metavar="N", help="Number of seeds for stochastic optimizers.")
    ] = _DEFAULTS.seeds,
    optimizer: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Compare only this one; repeatable."),
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="WHAT", help="Start from: content, noise, or an image file.")
    ] = _DEFAULTS.objective.start,
    content_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the content loss.")
    ] = _DEFAULTS.objective.content_weight,
    style_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the style loss.")
    ] = _DEFAULTS.objective.style_weight,
    tv_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the total-variation loss (smoothness).")
    ] = _DEFAULTS.objective.tv_weight,
    vgg: Vgg = "auto",
    precision: Annotated[
        str, typer.Option(help="Precision of the network while optimizing: auto, fp32 or bf16.")
    ] = "auto",
    device: Device = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write optimizers.json here as well.")
    ] = None,
    force: ForceReport = False,
    quiet: Quiet = False,
) -> None:
    """Compare all optimizers on one photo and painting.

    Each runs once for a fixed time and once for a fixed number of network evaluations; stochastic ones run
    once per seed. Writes index.html, optimizers.json, plots and pictures.
    """
    import torch

    from ganstyle.devices import pick_device
    from ganstyle.extras import require
    from ganstyle.gatys.benchmark.comparison import compare_optimizers
    from ganstyle.gatys.benchmark.report import RECORD, write_optimizer_report
    from ganstyle.images import read_image
    from ganstyle.reports import PAGE
    from ganstyle.weights import find_vgg16

    require("matplotlib", "ganstyle optimizers")
    check_outputs(report=output, report_files=(PAGE, RECORD), json_file=json_file, force=force)
    where = pick_device(device)
    settings = BenchmarkSettings(
        optimizers=optimizer or (),
        seconds=seconds,
        evaluations=evaluations,
        size=size,
        seeds=seeds,
        precision="bf16" if pick_precision(precision, where) == torch.bfloat16 else "fp32",
        objective=GatysSettings(
            start="noise" if start == "noise" else "content",
            content_weight=content_weight,
            style_weight=style_weight,
            tv_weight=tv_weight,
        ),
    )
    weights = find_vgg16(vgg)
    tell(f"{weights.name}, SHA-256 {weights.sha256}")
    try:
        comparison = compare_optimizers(
            read_image(content),
            [read_image(style) for style in styles],
            vgg=weights,
            settings=settings,
            start_image=read_start_image(start, where),
            device=where,
            on_event=_print,
        )
    except KeyboardInterrupt:
        tell("interrupted: no report is written", err=True)
        raise typer.Exit(INTERRUPTED) from None
    names = [style.name for style in styles]
    page, record = write_optimizer_report(comparison, output, content=content.name, styles=names, force=force)
    tell(record["conclusion"])
    tell(f"report: {page}")
    if json_file is not None:
        write_json(json_file, record)


def _print(event: "RunFinished") -> None:
    from ganstyle.gatys.benchmark.summary import amount

    run = event.run
    tell(
        f"[{event.index}/{event.total}] {run.optimizer}, {amount(run.budget)}, seed {run.seed}: "
        f"loss {run.loss:.4f} after {run.evaluations:.0f} evaluations, {run.seconds:.1f} s, "
        f"{run.peak_memory_bytes / 2**20:.0f} MiB"
    )
