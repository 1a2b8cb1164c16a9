"""Errors a user can do something about.

Each message is one line: what is wrong, which file or key, and what to do. The command line prints it and
leaves with exit code 2; the traceback is shown with ``--debug``.
"""

import re

# Control characters, line separators, what reverses the direction of text, and bytes that are not UTF-8.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class GanstyleError(Exception):
    """Base of every error that ganstyle raises on purpose."""


class CheckpointError(GanstyleError):
    """A style checkpoint is missing, damaged or not ours."""


class DataError(GanstyleError):
    """A data set holds nothing to train on, or cannot be opened."""


class DiskFullError(GanstyleError):
    """Nothing more can be written: the disk is full, or the user's quota is used up."""


class ImageError(GanstyleError):
    """An image cannot be read or written."""


class ImageTooLargeError(ImageError):
    """An image has more pixels than are allowed, or than the memory suffices for."""


class MissingExtraError(GanstyleError):
    """A package that only an extra installs is needed and missing."""


class RecipeError(GanstyleError):
    """A recipe is malformed, or holds an unknown key or a wrong type."""


class RunError(GanstyleError):
    """A run's folder cannot be continued, or the training broke down."""


class VideoError(GanstyleError):
    """A video cannot be read or written."""


class WeightsError(GanstyleError):
    """Network weights are missing, damaged, or lack a layer that was asked for."""


def one_line(text: object, longest: int = 10_000) -> str:
    """Return text as one line, in which control characters, as of a file's name, are escaped.

    An exception without a message is named by its type.

    Args:
        text: anything that has a text, such as an exception.
        longest: characters; the rest is cut off.
    """
    line = re.sub(r"\s*[\r\n]+\s*", " ", str(text)).strip()
    if not line and isinstance(text, BaseException):
        return type(text).__name__
    line = _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], line[:longest])
    return line if len(line) <= longest else line[: longest - 1] + "…"
