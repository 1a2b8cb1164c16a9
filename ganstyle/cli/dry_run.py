"""What ``--dry-run`` prints."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from ganstyle.cli.collection import leave
from ganstyle.cli.outputs import write_json
from ganstyle.cli.progress import clock

if TYPE_CHECKING:
    from ganstyle.recipe import Recipe
    from ganstyle.stylize import PhotoPainter, PlannedFile
    from ganstyle.stylize.forecast import StylizeForecast
    from ganstyle.stylize.scale.settings import PaintSettings
    from ganstyle.training.forecast import TrainingForecast


def print_training(recipe: "Recipe", forecast: "TrainingForecast") -> None:
    """Print what a training would do, in a few lines."""
    if forecast.resume_from:
        _line("run", f"{recipe.folder}: continues from {forecast.resume_from.name}")
    else:
        _line("run", f"{recipe.folder}: new")
    content = recipe.content
    _line("photos", f"{forecast.photos:,} ({content.kind}: {content.name or content.path})")
    _line("paintings", f"{len(forecast.paintings):,} ({recipe.style.path})")
    for phase in forecast.phases:
        _line(
            "steps", f"{phase.steps:,} of {phase.image_size} px, VGG {phase.vgg}: {phase.seconds:.3g} s each"
        )
    if not forecast.phases:
        _line("steps", f"none: all {recipe.steps:,} are done")
        return
    also = [
        f"{what} every {every:,} steps"
        for what, every in (("sample", recipe.run.sample_every), ("score", recipe.score.every))
        if every
    ]
    _line("time", f"about {clock(forecast.seconds)}, not counting: {', '.join([*also, 'saving'])}")
    workers = f", and {recipe.workers} data workers" if recipe.workers else ""
    _line("memory", f"about {_size(forecast.memory_bytes)}{workers}")
    files = [
        "recipe.yaml",
        "style.safetensors",
        *["best.safetensors, scores.jsonl"] * bool(recipe.score.every),
    ]
    folders = ["checkpoints/", *["samples/"] * bool(recipe.run.sample_every)]
    folders += ["tensorboard/"] * ("tensorboard" in recipe.run.trackers)
    _line("files", f"about {_size(forecast.disk_bytes)}: {', '.join([*files, *folders])}")
    for note in forecast.notes:
        _line("note", note)
    typer.echo("dry run: nothing is trained or written")


def rehearse_stylize(
    style: "PhotoPainter",
    plan: "Sequence[PlannedFile]",
    settings: "PaintSettings",
    json_file: Path | None,
    *,
    skipping_is_fine: bool,
) -> None:
    """Print what would become of each photo, and what all of them take; leave with the exit code.

    Args:
        style: what would paint.
        plan: the photos and where their results would go.
        settings: how they would be painted.
        json_file: where to write it as well, if anywhere.
        skipping_is_fine: whether photos whose results exist may be skipped without a word.
    """
    from ganstyle.stylize.forecast import forecast_stylize

    forecast = forecast_stylize(style, plan, settings)
    _print_stylize(forecast, tells_skipped=not skipping_is_fine)
    if json_file is not None:
        write_json(json_file, _stylize_record(style.name, forecast))
    leave([file.status for file in forecast.files], skipping_is_fine=skipping_is_fine)


def _print_stylize(forecast: "StylizeForecast", *, tells_skipped: bool) -> None:
    for file in forecast.files:
        if file.status == "done":
            height, width = file.size
            typer.echo(f"{file.file.source} -> {file.file.output}  ({width}x{height})")
        elif tells_skipped or file.status != "skipped":
            typer.echo(file.message, err=True)
    count = sum(file.status == "done" for file in forecast.files)
    if count:
        _line("time", f"about {forecast.seconds:.1f} s for {count:,}, not counting reading and writing")
        _line("memory", f"about {_size(forecast.memory_bytes)}")
    typer.echo("dry run: nothing is painted or written")


def _stylize_record(style: str, forecast: "StylizeForecast") -> dict[str, Any]:
    return {
        "style": style,
        "dry_run": True,
        "seconds": round(forecast.seconds, 3),
        "memory_bytes": forecast.memory_bytes,
        "files": [
            {
                "source": str(file.file.source),
                "output": str(file.file.output),
                "status": file.status,
                "height": file.size[0],
                "width": file.size[1],
                "message": file.message,
            }
            for file in forecast.files
        ],
    }


def _line(key: str, value: str) -> None:
    typer.echo(f"{key:<10} {value}")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"
