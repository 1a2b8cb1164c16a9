"""Plan which result is written where, before any work is done."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.files import check_writable, file_identity, is_stream
from ganstyle.images import (
    FORMAT_SUFFIXES,
    READ_SUFFIXES,
    UNREADABLE_SUFFIXES,
    WRITE_FORMATS,
    find_images,
    output_format,
)
from ganstyle.stylize.scale.lists import is_list, read_list

_FILE_SUFFIXES = (
    READ_SUFFIXES
    | UNREADABLE_SUFFIXES
    | WRITE_FORMATS.keys()
    | {".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ogv", ".ts", ".webm", ".wmv", ".y4m"}
    | {".csv", ".doc", ".docx", ".htm", ".html", ".json", ".md", ".pdf", ".ps", ".txt", ".yaml", ".yml"}
    | {".7z", ".gz", ".npy", ".npz", ".onnx", ".pt", ".pth", ".safetensors", ".tar", ".tgz", ".zip"}
)
"""Suffixes by which an output is taken for a file: a folder is not what the user had in mind."""


@dataclass(frozen=True)
class PlannedFile:
    """One photo and where its result goes.

    Attributes:
        source: the photo.
        output: its result.
        problem: why the photo cannot be stylized, in one line, as far as is known before it is read.
    """

    source: Path
    output: Path
    problem: str = ""


_KEPT_SUFFIXES = {".jpeg", ".jpg", ".png", ".webp"}
"""Suffixes that results keep; photos of other kinds become PNGs, which lose nothing and open everywhere."""


def plan_outputs(
    inputs: Sequence[Path], output: Path, *, image_format: str | None = None
) -> list[PlannedFile]:
    """Plan where each photo's result goes.

    Results keep their photos' names, and their places below an input folder or a list's folder (see
    `ganstyle.stylize.scale.lists`); a photo in a format that is not written becomes a PNG. Where two results
    of a folder would have one name, such as those of a.png and a.tif, the photo whose format is not written
    keeps its suffix: a.tif.png. With a single file as input, ``output`` may name an image file or a stream
    (see `ganstyle.files.is_stream`).

    Args:
        inputs: files, folders, and text files that list photos; files need not exist.
        output: a folder, or an image file. If it is inside an input folder it is not searched, so
            that results are not stylized again.
        image_format: one of `FORMAT_SUFFIXES`, for all results; None: as above.

    Returns:
        The photos, in the order given and sorted within a folder; among them, with their problem, pictures
        of unsupported kinds and folders that cannot be opened.

    Raises:
        GanstyleError: two results would have the same name, a result would replace an input, a folder
            holds no images, or ``output`` cannot be a folder.
        ImageError: ``output`` is a file of a format that is not written.
    """
    names_file = is_stream(output) or (output.suffix.lower() in _FILE_SUFFIXES and not output.is_dir())
    suffix = None if image_format is None else check_format(image_format)
    if names_file:
        written = output_format(output)
        if suffix is not None and written != WRITE_FORMATS[suffix] and not is_stream(output):
            raise GanstyleError(f"{output}: is not the name of a {image_format} file; end it in {suffix}")
        if len(inputs) != 1 or inputs[0].is_dir() or is_list(inputs[0]):
            raise GanstyleError(
                f"{output}: is one image, but a folder, a list or several photos were given; name a folder"
            )
        plan = [PlannedFile(inputs[0], output)]
        if not is_stream(output):
            check_writable(output.parent)
    else:
        plan = _without_repeats([file for path in inputs for file in _results_of(path, output, suffix)])
        plan = _within(output, _with_distinct_names(plan))
        check_writable(output)
    _check_collisions(plan)
    return plan


def plan_shards(shards: Sequence[Path], output: Path) -> list[PlannedFile]:
    """Plan where the results of shards go: to shards of the same names.

    Args:
        shards: tar files, which need not exist.
        output: a folder.

    Raises:
        GanstyleError: two results would have the same name, a result would replace a shard, or ``output``
            cannot be a folder.
    """
    if is_stream(output) or (output.suffix.lower() in _FILE_SUFFIXES and not output.is_dir()):
        raise GanstyleError(f"{output}: names one file, but results of shards are shards; name a folder")
    plan = _within(output, _without_repeats([PlannedFile(shard, output / shard.name) for shard in shards]))
    check_writable(output)
    _check_collisions(plan)
    return plan


def result_name(path: Path, suffix: str | None = None) -> Path:
    """Return what a photo's result is called.

    Args:
        path: the photo.
        suffix: of the result's format; None: the photo's, if it is that of JPEG, PNG or WebP, else .png.
    """
    known = path.suffix.lower()
    if known in _KEPT_SUFFIXES if suffix is None else WRITE_FORMATS.get(known) == WRITE_FORMATS[suffix]:
        return path
    return path.with_suffix(suffix or ".png")


def unique_name(name: str, taken: Sequence[str]) -> str:
    """Return a file name, with a number if it is taken already; upper and lower case are not told apart."""
    used = {each.lower() for each in taken}
    stem, suffix = Path(name).stem, Path(name).suffix
    number, candidate = 1, name
    while candidate.lower() in used:
        number += 1
        candidate = f"{stem} ({number}){suffix}"
    return candidate


def check_format(image_format: str) -> str:
    """Return the suffix of a format's files.

    Raises:
        GanstyleError: there is no such format to write.
    """
    try:
        return FORMAT_SUFFIXES[image_format]
    except KeyError:
        raise GanstyleError(f"format '{image_format}': give one of {', '.join(FORMAT_SUFFIXES)}") from None


def _results_of(path: Path, output: Path, suffix: str | None) -> Iterator[PlannedFile]:
    if is_list(path):
        for photo, place in read_list(path):
            if not place.name or os.path.isdir(photo):  # noqa: PTH112 - takes any name
                yield PlannedFile(photo, output / place, f"{photo}: is a folder; list its photos")
            else:
                yield PlannedFile(photo, output / result_name(place, suffix))
        return
    if not os.path.isdir(path):  # noqa: PTH112 - unlike pathlib's, it takes a name that is too long
        yield PlannedFile(path, output / result_name(Path(path.name), suffix))
        return
    listing = find_images(path)
    problems = {entry.path: str(entry) for entry in listing.unreadable}
    photos = sorted([*listing.images, *problems])
    results = _real(output)
    if results != _real(path):
        photos = [photo for photo in photos if not _real(photo).is_relative_to(results)]
    if not photos:
        raise ImageError(f"{path}: holds no images; their names end in {', '.join(sorted(READ_SUFFIXES))}")
    for photo in photos:
        yield PlannedFile(
            photo, output / result_name(photo.relative_to(path), suffix), problems.get(photo, "")
        )


def _real(path: Path) -> Path:
    """Return a path without links; unlike pathlib's, it takes a link that leads to itself."""
    return Path(os.path.realpath(path))


def _without_repeats(plan: list[PlannedFile]) -> list[PlannedFile]:
    """Keep one of those that were given twice, under any path."""
    kept: dict[tuple[object, Path], PlannedFile] = {}
    for file in plan:
        kept.setdefault((file_identity(file.source), file.output), file)
    return list(kept.values())


def _with_distinct_names(plan: list[PlannedFile]) -> list[PlannedFile]:
    """Let photos whose results have another suffix keep theirs where another result has their name.

    Should that name be taken as well, a number is added.
    """
    names = Counter(file_identity(file.output) for file in plan if not file.problem)
    distinct = []
    for file in plan:
        identity = file_identity(file.output)
        if file.source.suffix != file.output.suffix and names[identity] > 1:
            for number in count(1):
                name = f"{file.source.name}{f'-{number}' if number > 1 else ''}{file.output.suffix}"
                file = replace(file, output=file.output.with_name(name))
                if not names[file_identity(file.output)]:
                    break
            names[file_identity(file.output)] = 1
        distinct.append(file)
    return distinct


def _within(folder: Path, plan: list[PlannedFile]) -> list[PlannedFile]:
    """Refuse results that a link would lead out of the output folder: others may have put it there."""
    inside, checked = Path(os.path.realpath(folder)), []
    for file in plan:
        leads_out = not Path(os.path.realpath(file.output)).is_relative_to(inside)
        problem = f"{file.output}: a link leads out of {folder}; remove it, or choose another folder"
        checked.append(replace(file, problem=problem) if leads_out and not file.problem else file)
    return checked


def _check_collisions(plan: list[PlannedFile]) -> None:
    files = [file for file in plan if not file.problem]
    inputs = {file_identity(file.source) for file in files if os.path.exists(file.source)}  # noqa: PTH110
    taken: dict[tuple[object, ...], Path] = {}
    for file in files:
        identity = file_identity(file.output)
        if identity in taken:
            raise GanstyleError(
                f"{taken[identity]} and {file.source} would both be written to {file.output}; "
                "stylize them into different folders"
            )
        if identity in inputs:
            raise GanstyleError(f"{file.output}: is an input, which is never replaced; choose another output")
        taken[identity] = file.source
