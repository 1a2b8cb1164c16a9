"""What commands on a collection keep beside its results, and what killed ones have left there."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree

from ganstyle.files import write_error
from ganstyle.temporary import PREFIX, is_abandoned

_NAME = ".ganstyle"


def state_folder(output: Path) -> Path:
    """Return the hidden folder in a folder for results, and create it if needed.

    Raises:
        GanstyleError: it cannot be created.
    """
    folder = output / _NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(folder, error) from error
    return folder


def remove_empty_state(output: Path) -> None:
    """Remove the hidden folder if nothing is left in it."""
    with suppress(OSError):
        (output / _NAME).rmdir()


def remove_abandoned(folders: Iterable[Path]) -> None:
    """Remove the temporary files that killed processes have left in folders for results."""
    for folder in folders:
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(PREFIX) and is_abandoned(Path(entry.path)):
                    if entry.is_dir(follow_symlinks=False):
                        rmtree(entry.path, ignore_errors=True)
                    else:
                        with suppress(OSError):
                            Path(entry.path).unlink()
