"""The paths that a command is given: a leading ``~`` is expanded in all of them, and its inputs are known."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TextIO

from ganstyle.files import expand_user, shipped_folder

OUTPUT_PARAMETERS = frozenset({"output", "json_file", "statistics"})
"""What commands call the parameters that say where to write; any other path is an input."""

_WEIGHTS_VARIABLES = ("GANSTYLE_VGG16", "GANSTYLE_INCEPTION", "GANSTYLE_LPIPS", "GANSTYLE_ANY")


@dataclass
class Invocation:
    """What is known of the command that is running.

    Attributes:
        inputs: files and folders that it was given and must not write to.
        cleanup: closed when the command ends.
        stdout: the real standard output, while `sys.stdout` is diverted.
        quiet: whether only errors, warnings and results are printed.
        has_open_line: whether a progress line stands on the terminal.
    """

    inputs: list[Path] = field(default_factory=list)
    cleanup: ExitStack = field(default_factory=ExitStack)
    stdout: TextIO | None = None
    quiet: bool = False
    has_open_line: bool = False


_invocation: ContextVar[Invocation] = ContextVar("invocation")


def current_invocation() -> Invocation:
    """Return the running command's; outside of one, an empty one."""
    return _invocation.get(Invocation())


def with_paths(command: Callable[..., None]) -> Callable[..., None]:
    """Wrap a command so that ``~`` is expanded in its arguments and `current_invocation` knows its inputs."""

    @wraps(command)
    def prepared(**arguments: object) -> None:
        arguments = {name: _expand_all(value) for name, value in arguments.items()}
        with ExitStack() as cleanup:
            quiet = arguments.get("quiet") is True
            token = _invocation.set(Invocation(list(_inputs(arguments)), cleanup, quiet=quiet))
            cleanup.callback(_invocation.reset, token)
            command(**arguments)

    return prepared


def expand_home(path: Path) -> Path:
    """Expand a leading ``~`` or ``~user``, as a shell does where the path stands alone.

    ``~name`` stays as it is where a file is called that, or no user.
    """
    first = path.parts[0] if path.parts else ""
    if not first.startswith("~") or (first != "~" and os.path.lexists(path)):
        return path
    return expand_user(path)


def _expand_all(value: object) -> object:
    if isinstance(value, list):
        return [_expand_all(item) for item in value]
    if isinstance(value, Path):
        return expand_home(value)
    if isinstance(value, str) and value.startswith("~") and "/" in value:  # a style or weights by their path
        return str(expand_home(Path(value)))
    return value


def _inputs(arguments: dict[str, object]) -> Iterator[Path]:
    given = [value for name, value in arguments.items() if name not in OUTPUT_PARAMETERS]
    named = filter(None, map(os.environ.get, _WEIGHTS_VARIABLES))
    given += [str(expand_user(path)) for path in named]
    for value in given:
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Path):
                yield item
            elif isinstance(item, str) and item:  # a path, the name of a shipped style, or just a word
                yield from (Path(item), shipped_folder() / f"{item}.safetensors")
