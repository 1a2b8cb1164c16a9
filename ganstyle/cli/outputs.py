# ruff: noqa: PTH110, PTH112, PTH113 - unlike pathlib's, exists, isdir and isfile of os.path take any word without an error
"""What a command writes: refused before the work if it cannot or must not be written, and then written."""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganstyle.cli.paths import current_invocation

if TYPE_CHECKING:
    from torch import Tensor

STDOUT = Path("-")

_REPORT_SUFFIXES = (".html", ".json", ".png", ".svg")
_REPORT_IMAGES = "images"


def check_outputs(
    *,
    image: Path | None = None,
    file: Path | None = None,
    saved: Path | None = None,
    json_file: Path | None = None,
    replaces_json: bool = False,
    report: Path | None = None,
    report_files: Sequence[str] = (),
    results: Sequence[Path] = (),
    inputs: Sequence[Path] = (),
    force: bool,
) -> None:
    """Check everything that a command is going to write, and keep standard output free if it goes there.

    Files and folders that the command was given are inputs and never replaced; so are the pictures and
    styles in such folders. Call it before the work.

    Args:
        image: an image file.
        file: a file of another kind.
        saved: a file that is written by its name, and so cannot be standard output.
        json_file: the file of ``--json``.
        replaces_json: whether that one may be replaced without ``force``: the same command wrote it.
        report: the folder of a report.
        report_files: the names of its files, which ``json_file`` must not take.
        results: files that the command writes besides, and has checked itself.
        inputs: further inputs.
        force: whether files that exist, and a report's folder that is not empty, may be written to.

    Raises:
        GanstyleError: something may not be written.
    """
    from ganstyle.errors import GanstyleError
    from ganstyle.files import check_file, check_folder, file_identity

    if saved is not None and is_stdout(saved):
        raise GanstyleError(f"{saved}: this command does not write to standard output; name a file")
    files = [path for path in (image, file, saved, json_file) if path is not None]
    given = {file_identity(path): path for path in current_invocation().inputs if os.path.isfile(path)}
    for path in results:
        if os.path.exists(path) and file_identity(path) in given:
            raise GanstyleError(f"{path}: is an input, which is never replaced; choose another output")
    taken = {file_identity(path): path for path in results}
    if report is not None:
        if is_sink(report):
            raise GanstyleError(f"{report}: a report is a folder and cannot be written there; name a folder")
        check_folder(report, force=force)
        _check_report(report, inputs)
        taken |= {file_identity(report / name): report / name for name in report_files}
    if image is not None and not is_stdout(image):
        from ganstyle.images import output_format

        output_format(image)
    for path in files:
        identity = ("stdout",) if is_stdout(path) else file_identity(path)
        if identity in taken and identity != file_identity("/dev/null"):
            raise GanstyleError(f"{path}: is written by this command already; choose another output")
        taken[identity] = path
        if is_stdout(path):
            continue
        if os.path.isfile(path) and identity in map(file_identity, _input_files(inputs)):
            raise GanstyleError(f"{path}: is an input, which is never replaced; choose another output")
        check_file(path, force=force or (replaces_json and path is json_file))
    if ("stdout",) in taken:
        _divert_stdout()


def is_stdout(path: Path) -> bool:
    """Say whether a path means standard output: ``-``, or a name that the system has for it."""
    from ganstyle.files import own_descriptor

    return path == STDOUT or own_descriptor(path) == 1


def is_sink(path: Path) -> bool:
    """Say whether a path means standard output, a device or a pipe, which can take one file only."""
    from ganstyle.files import is_stream

    return is_stdout(path) or is_stream(path)


def write_json(path: Path, values: Any) -> None:
    """Write a command's ``--json`` file, all of it or nothing; numbers that are not finite become null."""
    from ganstyle.files import null_not_finite

    write_file(path, (json.dumps(null_not_finite(values), indent=2, allow_nan=False) + "\n").encode())


def write_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file, all of it or nothing; or to standard output.

    Args:
        path: where to.
        content: what to write.
        mode: the file's permissions; by default the usual ones.
    """
    from ganstyle.files import atomic_write

    if is_stdout(path):
        write_stdout(content)
        return
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)
        if mode is not None:
            temporary.chmod(mode)


def write_picture(image: "Tensor", path: Path) -> None:
    """Write a command's picture: as PNG to standard output, else as `write_image` does."""
    from ganstyle.images import encode_png, write_image

    if is_stdout(path):
        write_stdout(encode_png(image))
    else:
        write_image(image, path)


def write_stdout(content: bytes) -> None:
    """Write to the real standard output, though what is printed may go to standard error."""
    stream = current_invocation().stdout or sys.stdout
    stream.flush()
    stream.buffer.write(content)
    stream.buffer.flush()


def _divert_stdout() -> None:
    """Send what the command prints to standard error; only its result goes to standard output."""
    invocation = current_invocation()
    if invocation.stdout is None:
        invocation.stdout = sys.stdout
        invocation.cleanup.enter_context(redirect_stdout(sys.stderr))


def _check_report(report: Path, inputs: Sequence[Path]) -> None:
    from ganstyle.errors import GanstyleError

    if not report.is_dir():
        return
    written_to = [report.resolve(), report.resolve() / _REPORT_IMAGES]
    for path in _input_files(inputs):
        if path.suffix.lower() in _REPORT_SUFFIXES and Path(os.path.realpath(path)).parent in written_to:
            raise GanstyleError(
                f"{path}: is an input, and the report could replace it; choose another folder than {report}"
            )


def _input_files(further: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that the command reads, as far as they are known."""
    from ganstyle.images import find_images

    for path in [*current_invocation().inputs, *further]:
        if os.path.isdir(path):
            listing = find_images(path)
            yield from listing.images
            yield from (entry.path for entry in listing.unreadable)
            yield from path.glob("*.safetensors")
        elif os.path.isfile(path):
            yield path
