"""Which files of a plan this worker does: its own share, and then what others have not begun."""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ganstyle.stylize.event import Status
from ganstyle.stylize.plan import PlannedFile
from ganstyle.stylize.scale.claims import Claims
from ganstyle.stylize.scale.workers import Worker

Settled = tuple[Status, str]
"""A file's status and why, if there is nothing to do for it; ``done`` if there is."""


def assign(
    plan: Sequence[PlannedFile],
    worker: Worker,
    claims: Claims | None,
    look: Callable[[PlannedFile], Settled],
    *,
    helps: bool,
) -> Iterator[tuple[PlannedFile, Settled]]:
    """Yield the files that this worker has claimed, or for which there is nothing to do.

    Args:
        plan: all files, the same for all workers.
        worker: which of them this is.
        claims: of all workers; None: there is only this one.
        look: says whether there is something to do for a file, now.
        helps: whether to go on with the others' files; only where a result that exists is done.
    """
    for index in worker.share(len(plan)):
        file = plan[index]
        settled = look(file)
        if settled[0] == "done" and claims is not None:
            if not claims.take(str(file.output)):
                continue  # another worker has it, and reports it
            settled = look(file)
        if settled[0] == "skipped" and claims is not None and _is_newer(file.output, claims.began):
            continue  # done by another worker, maybe before this one began
        yield file, settled
    if claims is None or not helps:
        return
    for index in worker.others(len(plan)):
        file = plan[index]
        if os.path.lexists(file.output) or not claims.take(str(file.output)):
            continue
        settled = look(file)  # another worker may have finished it just before it was claimed
        if settled[0] == "done":
            yield file, settled
        else:
            claims.release(str(file.output))


def _is_newer(path: Path, began: float) -> bool:
    try:
        return path.stat().st_mtime >= began
    except OSError:
        return False
