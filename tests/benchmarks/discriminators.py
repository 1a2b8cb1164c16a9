"""Is a discriminator worth it, and which? Many short trainings, compared at equal content.

    python -m tests.benchmarks.discriminators --out STUDY --photos TRAIN --val VAL \
        --style wave=wave.jpg --style starry_night=starry_night.jpg --vgg-real VGG16 --jobs 2
    python -m tests.benchmarks.discriminators --out STUDY --table

Variants: none; patchgan1, patchgan2, patchgan3 (scales), projected, each followed by any of +augment
(translation and cutout), +r1, +scales (a wider range of crop scales), +heavy (three times the weight); and
the style terms sliced (in place of Gram matrices), sliced2 (at twice the weight) and gram+sliced (half of
each weight), the first and the last also with a discriminator: patchgan1+sliced.

Every finished run adds a line to STUDY/results.jsonl. Stop the study at any time, and run the command again
to continue it, on another machine as well: finished runs are skipped, others continue from their last state.
The order is balanced: seed 0 of every variant and painting, the first variant first, then seed 1, and so on.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Annotated, Any

import typer
from filelock import FileLock, Timeout

from ganstyle.errors import RecipeError
from ganstyle.files import atomic_write
from tests.benchmarks.discriminator_runs import (
    VARIANT,
    Study,
    StudyRun,
    start_order,
    study_recipe,
    trained_file,
)
from tests.benchmarks.discriminator_table import markdown, write_sheets

_ROOT = Path(__file__).parents[2]
_ELSEWHERE = ("vgg_real", "workers")  # may differ when a study is continued
_VARIANTS = (
    "none,patchgan1,patchgan2,patchgan3,projected,patchgan1+augment,patchgan1+r1,patchgan1+scales,"
    "projected+augment,projected+r1,projected+scales,sliced,gram+sliced"
)


@dataclass
class _Job:
    action: str
    run: StudyRun
    process: "subprocess.Popen[str]"
    errors: IO[str]
    began: float = field(default_factory=time.monotonic)


class _Queue:
    """Runs processes, up to ``jobs`` at once: trainings in order, and scores as soon as they can be taken."""

    def __init__(
        self, study: Study, out: Path, runs: Sequence[StudyRun], contents: Mapping[str, float]
    ) -> None:
        self._study, self._out = study, out
        self._file = out / "results.jsonl"
        self.results = read_results(self._file)
        self.contents = dict(contents)
        done = {(found["painting"], found["variant"], found["seed"]) for found in self.results}
        # What a study was begun with stays, so that all its runs are compared at one content.
        self.contents |= {found["painting"]: found["reference"] for found in self.results}
        self._waiting = [run for run in runs if run.key not in done]
        self._jobs: list[_Job] = []
        self._times: list[float] = []
        self.failures: list[str] = []

    def work(self, jobs: int, budget: float) -> None:
        """Go on until everything is done or ``budget`` seconds are over; what runs then saves its state."""
        began = time.monotonic()
        try:
            while True:
                left = budget - (time.monotonic() - began)
                expected = sum(self._times) / len(self._times) if self._times else 0.0
                while len(self._jobs) < jobs and left > 0 and self._start_next(training=expected < left):
                    pass
                if not self._jobs or left <= 0:
                    return
                time.sleep(0.2)
                self._collect()
        finally:
            for job in self._jobs:
                job.process.send_signal(signal.SIGTERM)  # a training saves its state
            while self._jobs:
                self._collect()
                time.sleep(0.2)

    @property
    def left(self) -> int:
        """How many runs are not finished."""
        return len(self._waiting)

    def _start_next(self, *, training: bool) -> bool:
        busy = {job.run for job in self._jobs}
        idle = [run for run in self._waiting if run not in busy]
        for run in idle:
            if (self._out / trained_file(run)).exists() and self._can_score(run):
                return self._start("score", run)
        for run in idle:
            if training and not (self._out / trained_file(run)).exists():
                return self._start("train", run)
        return False

    def _can_score(self, run: StudyRun) -> bool:
        return run.painting in self.contents or run.key[1:] == ("none", 0)

    def _start(self, action: str, run: StudyRun) -> bool:
        command = start_order(action, self._study, run, self.contents.get(run.painting))
        search = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        errors = tempfile.TemporaryFile("w+")  # noqa: SIM115
        # A session of its own, so that Ctrl-C reaches the study alone, which then stops the others.
        process = subprocess.Popen(
            command,
            cwd=self._out,
            env=os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": search},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        self._jobs.append(_Job(action, run, process, errors))
        return True

    def _collect(self) -> None:
        for job in [job for job in self._jobs if job.process.poll() is not None]:
            self._jobs.remove(job)
            output, _ = job.process.communicate()
            if job.process.returncode == -signal.SIGTERM:
                continue
            if job.process.returncode:
                job.errors.seek(0)
                last = [line for line in job.errors.read().splitlines() if line.strip()][-1:]
                self.failures.append(f"{job.run.name}: {job.action} failed: {''.join(last)}")
                typer.echo(self.failures[-1], err=True)
                self._waiting.remove(job.run)
                continue
            outcome = json.loads(output.splitlines()[-1])
            if job.action == "score":
                self._keep(job.run, outcome)
            elif outcome["finished"]:
                self._times.append(time.monotonic() - job.began)
                typer.echo(f"{job.run.name}: trained in {outcome['seconds']:.0f} s")

    def _keep(self, run: StudyRun, result: dict[str, Any]) -> None:
        self.results.append(result)
        self._waiting.remove(run)
        self.contents[run.painting] = result["reference"]
        with atomic_write(self._file) as temporary:
            temporary.write_text("".join(json.dumps(found) + "\n" for found in self.results))
        missed = "" if result["reached"] else f"; equal content ({result['reference']:.3f}) is out of reach"
        scores = {name: result[name] for name in result if name.startswith(("style", "kid", "kept"))}
        listed = ", ".join(f"{name} {value:.4g}" for name, value in scores.items())
        content = f"content {result['content']:.3f} at strength {result['strength']:.3f}"
        typer.echo(f"{run.name}: {content}, {listed}{missed}")


def read_results(file: Path) -> list[dict[str, Any]]:
    """Return the finished runs."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def link_data(out: Path, data: Mapping[str, Path]) -> None:
    """Link a study's data, so that its recipes hold no paths that another machine does not have."""
    for name, path in data.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).unlink(missing_ok=True)
        (out / name).symlink_to(path.resolve())


def check_settings(study: Study, out: Path) -> None:
    """Write what the runs have in common; refuse to continue a study with other settings."""
    file, now = out / "study.json", asdict(study)
    before = json.loads(file.read_text()) if file.exists() else now
    for key in now:
        if key not in _ELSEWHERE and before.get(key) != now[key]:
            raise typer.BadParameter(
                f"{out} was begun with {key} {before.get(key)}, not {now[key]}; give another --out"
            )
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(now, indent=2))


def _stop(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    pairs = dict(text.partition("=")[::2] for text in texts)
    if not all(name and value for name, value in pairs.items()):
        raise typer.BadParameter(f"{option}: write NAME=VALUE")
    return pairs


def main(
    out: Annotated[Path, typer.Option(help="Where everything goes; continue there, too.")],
    photos: Annotated[Path | None, typer.Option(help="A folder of photos to train on.")] = None,
    val: Annotated[Path | None, typer.Option(help="A folder of photos to score on.")] = None,
    style: Annotated[list[str] | None, typer.Option(help="NAME=PAINTING; repeatable.")] = None,
    variants: Annotated[str, typer.Option(help="Separated by commas.")] = _VARIANTS,
    seeds: Annotated[int, typer.Option(min=1, help="0 to this less one.")] = 3,
    steps: Annotated[int, typer.Option(min=1)] = 3000,
    size: Annotated[int, typer.Option(min=16, help="Side of the crops in pixels.")] = 128,
    batch: Annotated[int, typer.Option(min=1)] = 1,
    vgg: Annotated[str, typer.Option(help="What to train with.")] = "distilled",
    vgg_real: Annotated[Path | None, typer.Option(help="VGG-16 to score with; distilled by default.")] = None,
    adversarial: Annotated[float, typer.Option(help="loss.adversarial")] = 0.3,
    style_weight: Annotated[float, typer.Option(help="loss.style")] = 12.0,
    sliced_weight: Annotated[float, typer.Option(help="loss.sliced_wasserstein; pulls half as hard.")] = 24.0,
    style_size: Annotated[int, typer.Option(help="Shorter side of the painting in training.")] = 256,
    coarse: Annotated[int, typer.Option(help="generator.coarse, such as 2; 0: none.")] = 0,
    count: Annotated[int, typer.Option(min=1, help="Photos to score on.")] = 16,
    score_size: Annotated[int, typer.Option(help="Their shorter side in pixels.")] = 256,
    content: Annotated[
        list[str] | None, typer.Option(help="STYLE=CONTENT to compare at; repeatable.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Processes at once, of a thread each.")] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Of each, to load photos.")] = 0,
    budget: Annotated[float, typer.Option(help="Seconds until the study stops.")] = float("inf"),
    table: Annotated[bool, typer.Option("--table", help="Print what there is, and draw it.")] = False,
) -> None:
    """Run the study, or print its results."""
    if table:
        results = read_results(out / "results.jsonl")
        if not results:
            raise typer.BadParameter(f"{out}: there are no results yet")
        typer.echo(markdown(results))
        typer.echo("\n" + ", ".join(map(str, write_sheets(results, out))), err=True)
        return
    paintings, names = _pairs(style or [], "--style"), list(dict.fromkeys(variants.split(",")))
    if not (photos and val and paintings):
        raise typer.BadParameter("--photos, --val and --style are needed")
    if unknown := [name for name in names if not VARIANT.fullmatch(name)]:
        raise typer.BadParameter(f"there is no variant '{unknown[0]}'; see the head of this file")
    study = Study(
        steps=steps,
        size=size,
        batch=batch,
        vgg=vgg,
        vgg_real=str(vgg_real.resolve()) if vgg_real else None,
        adversarial=adversarial,
        style_weight=style_weight,
        sliced_weight=sliced_weight,
        style_size=style_size,
        coarse=coarse,
        count=count,
        score_size=score_size,
        workers=workers,
    )
    contents = {name: float(value) for name, value in _pairs(content or [], "--content").items()}
    runs = [
        StudyRun(painting, variant, seed)
        for seed in range(seeds)
        for variant in names
        for painting in paintings
    ]
    try:
        for run in runs:
            study_recipe(study, run)
    except RecipeError as error:
        raise typer.BadParameter(str(error)) from error
    data = {"photos": photos, "val": val, **{f"paintings/{name}": Path(p) for name, p in paintings.items()}}
    if missing_data := [path for path in data.values() if not path.exists()]:
        raise typer.BadParameter(f"{missing_data[0]}: does not exist")
    out.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(out / ".lock", timeout=0):
            check_settings(study, out)
            link_data(out, data)
            queue = _Queue(study, out, runs, contents)
            if "none" not in names and (missing := paintings.keys() - queue.contents.keys()):
                raise typer.BadParameter(f"equal to what? Add variant none, or --content {min(missing)}=…")
            for number in (signal.SIGINT, signal.SIGTERM):  # which shells let background jobs ignore
                signal.signal(number, _stop)
            try:
                queue.work(jobs, budget)
            except KeyboardInterrupt:
                typer.echo("stopped; the same command continues")
    except Timeout:
        raise typer.BadParameter(f"{out}: another study is running there") from None
    typer.echo(f"{len(queue.results)} runs are finished, {queue.left} are left")
    if queue.failures:
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
