"""Where the painting of a video goes, checked before the work."""

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from ganstyle.errors import GanstyleError, VideoError
from ganstyle.files import check_file, check_writable, file_identity
from ganstyle.images import find_images
from ganstyle.stylize import plan_outputs
from ganstyle.video.animation import GIF, WEBP, is_image, read_animation
from ganstyle.video.clip import Clip
from ganstyle.video.frame_folder import in_order, read_frames

Kind = Literal["video", "animation", "frames"]

_VIDEOS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}
_ANIMATIONS = {".gif": GIF, ".webp": WEBP}


@dataclass(frozen=True)
class Target:
    """What is read and what is written.

    Attributes:
        source: a video, an animation or a folder of frames.
        source_kind: which of them.
        output: the file or folder to write.
        kind: which of them.
        file_format: of a file.
        frames: the images of a folder, in order.
        results: where their paintings go, if these are a folder of frames too.
    """

    source: Path
    source_kind: Kind
    output: Path
    kind: Kind
    file_format: str = ""
    frames: list[Path] = field(default_factory=list)
    results: list[Path] = field(default_factory=list)

    @property
    def writes_webp(self) -> bool:
        """Whether an animated WebP is written, the only format with a quality."""
        return self.file_format == WEBP

    def read(self, fps: Fraction) -> Clip:
        """Read the source once; see `Clip`.

        Args:
            fps: pictures a second of a folder of frames.

        Raises:
            GanstyleError: it is damaged, or holds no moving pictures.
        """
        if self.source_kind == "frames":
            return read_frames(self.source, self.frames, fps)
        if self.source_kind == "animation":
            return read_animation(self.source)
        # Loads PyAV, which animations and frames do without.
        from ganstyle.video.container_input import read_video

        return read_video(self.source)


def plan_target(source: Path, output: Path, *, overwrite: bool) -> Target:
    """Decide what is read and written by the source's content and the output's suffix.

    Args:
        source: a file or folder.
        output: a file of one of the suffixes that are written, or a folder for frames.
        overwrite: replace files that exist. The source never is.

    Raises:
        GanstyleError: the output cannot or must not be written, or a folder holds no frames.
    """
    suffix = output.suffix.lower()
    file_format = _VIDEOS.get(suffix) or _ANIMATIONS.get(suffix, "")
    source_kind = _kind_of(source)
    if str(output) == "-" or (suffix and not file_format and not output.is_dir()):
        known = ", ".join([*_VIDEOS, *_ANIMATIONS])
        raise VideoError(
            f"{output}: cannot be written as a video; give a name that ends in one of {known}, or a folder"
        )
    if file_identity(source) == file_identity(output):
        raise GanstyleError(f"{output}: is the input, which is never replaced; choose another output")
    if file_format and not output.is_dir():
        frames = in_order(_images(source)) if source_kind == "frames" else []
        _check_inputs([output], frames)
        check_file(output, force=overwrite)
        kind: Kind = "animation" if suffix in _ANIMATIONS else "video"
        return Target(source, source_kind, output, kind, file_format, frames)
    if source_kind != "frames":
        check_writable(output)
        return Target(source, source_kind, output, "frames")
    plan = plan_outputs([source], output)
    for file in plan:
        if file.problem:
            raise GanstyleError(file.problem)
    places = {file.source: file.output for file in plan}
    ordered = in_order(places)
    results = [places[path] for path in ordered]
    check_results(results, source, overwrite=overwrite)
    return Target(source, source_kind, output, "frames", frames=ordered, results=results)


def check_results(results: list[Path], source: Path, *, overwrite: bool) -> None:
    """Raise an error if frames exist already and may not be replaced, or are what is read."""
    _check_inputs(results, [source])
    taken = [path for path in results if os.path.lexists(path)]
    if taken and not overwrite:
        raise GanstyleError(f"{taken[0]}: exists already; use --force to replace it")


def _check_inputs(outputs: list[Path], inputs: list[Path]) -> None:
    identities = set(map(file_identity, inputs))
    for path in outputs:
        if os.path.lexists(path) and file_identity(path) in identities:
            raise GanstyleError(f"{path}: is an input, which is never replaced; choose another output")


def _kind_of(source: Path) -> Kind:
    if source.is_dir():
        return "frames"
    return "animation" if is_image(source) else "video"


def _images(folder: Path) -> list[Path]:
    listing = find_images(folder)
    if listing.unreadable:
        raise GanstyleError(str(listing.unreadable[0]))
    if not listing.images:
        raise GanstyleError(f"{folder}: holds no frames; give a folder of images")
    return listing.images
