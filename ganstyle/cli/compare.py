"""``ganstyle compare``: a style beside the classical baseline, in one page."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.common import INTERRUPTED, pick_precision, report_skipped
from ganstyle.cli.options import Device, ForceReport, Inception, Vgg
from ganstyle.cli.outputs import check_outputs, write_json
from ganstyle.cli.progress import ProgressLine, Quiet, tell

if TYPE_CHECKING:
    from ganstyle.evaluate.compare import CompareEvent


def compare(
    style: Annotated[
        str,
        typer.Option(
            "-s",
            "--style",
            help="A shipped style's name, a checkpoint's path, hf://user/name, or a painting.",
            show_default=False,
        ),
    ],
    content: Annotated[Path, typer.Option(metavar="DIR", help="The folder of photos.", show_default=False)],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The folder for the report.", show_default=False)
    ],
    without_gan: Annotated[
        str | None,
        typer.Option(metavar="STYLE", help="The same generator, trained with discriminator=null."),
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="RUN", help="The style's run, such as runs/NAME: show its curves.")
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(metavar="N", help="Use this many photos, spread over the folder; 4 if not given."),
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="The photos' shorter side in pixels; 256 if not given.")
    ] = None,
    painting: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The painting or a folder of them, if not where the recipe says."),
    ] = None,
    vgg: Vgg = "auto",
    inception: Inception = "auto",
    precision: Annotated[
        str, typer.Option(help="Precision of the baseline's network: auto, fp32 or bf16.")
    ] = "auto",
    device: Device = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write compare.json here as well.")
    ] = None,
    force: ForceReport = False,
    quiet: Quiet = False,
) -> None:
    """Compare a style with Gatys' optimization on the same photos.

    The baseline runs twice: with its default settings, and stopped after the generator's own time. Writes
    index.html, compare.json and, if there are many, the pictures. Unreadable photos are reported and skipped;
    the exit code is then 1.
    """
    from ganstyle.devices import pick_device
    from ganstyle.evaluate import (
        choose_photos,
        compare_with_gatys,
        load_evaluation_models,
        style_evaluator,
    )
    from ganstyle.evaluate.compare import COUNT, SIZE
    from ganstyle.evaluate.curves import read_scores
    from ganstyle.evaluate.memory import memory_advice
    from ganstyle.evaluate.report import RECORD, write_comparison
    from ganstyle.extras import require
    from ganstyle.gatys import LAYERS
    from ganstyle.reports import PAGE
    from ganstyle.style import load_style
    from ganstyle.weights import load_vgg16

    if run:
        require("matplotlib", "ganstyle compare --run")
    check_outputs(report=output, report_files=(PAGE, RECORD), json_file=json_file, force=force)
    if run:
        read_scores(run)
    loaded, plain = load_style(style), load_style(without_gan) if without_gan else None
    chosen = choose_photos(content, COUNT if count is None else count)
    report_skipped(chosen.skipped)
    where = pick_device(device)
    dtype = pick_precision(precision, where)
    with memory_advice("the networks that measure", "use --device cpu"):
        models = load_evaluation_models(vgg, inception, where)
        baseline = load_vgg16(models.vgg, LAYERS, dtype=dtype, padding="replicate").to(where)
    with memory_advice(f"{loaded.name}'s painting"):
        evaluator, reference = style_evaluator(
            models, chosen.photos, loaded, size=SIZE if size is None else size, painting=painting
        )
    tell(f"{models.vgg.name}, SHA-256 {models.vgg.sha256}")
    for each in filter(None, (loaded, plain)):
        each.generator.to(where)
    try:
        comparison = compare_with_gatys(
            loaded,
            evaluator,
            reference,
            baseline,
            without_gan=plain,
            settings={"device": str(where), "baseline_precision": str(dtype).removeprefix("torch.")},
            on_event=_Progress(),
        )
    except KeyboardInterrupt:
        tell("interrupted: no report is written", err=True)
        raise typer.Exit(INTERRUPTED) from None
    page, record = write_comparison(comparison, output, run=run, force=force)
    tell(record["conclusion"])
    tell(f"report: {page}")
    if json_file:
        write_json(json_file, record)
    if chosen.skipped:
        raise typer.Exit(1)


class _Progress:
    """Prints a line for each picture, and now and then one for the steps in between."""

    def __init__(self) -> None:
        self._line = ProgressLine()

    def __call__(self, event: "CompareEvent") -> None:
        from ganstyle.evaluate.compare import PictureFinished

        where = f"[{event.index}/{event.total}] {event.photo}, {event.method}"
        if isinstance(event, PictureFinished):
            tell(f"{where}: {event.seconds:.2f} s")
        elif event.step:
            self._line(f"{where}: step {event.step} of {event.steps}", event.step, event.steps)
