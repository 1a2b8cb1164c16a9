"""What belongs to a visitor: files, removed with the visit, and jobs, which run one at a time."""

import shutil
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from typing import Any, Generic, TypeVar

from torch import nn

from ganstyle.devices import release_free_memory
from ganstyle.errors import GanstyleError
from ganstyle.gui.uploads import find_abandoned, find_uploads

_ON_ITS_WAY = 5.0  # seconds after a visitor left in which a job of theirs may still arrive
_AFTER_LEAVING = 600.0  # seconds without a new result, of a page that lost its connection but lives on
_INTERVAL = 0.15  # seconds between two reports
_WORKING = Lock()

_Report = TypeVar("_Report")
_Result = TypeVar("_Result")


class Sessions:
    """Keeps visitors apart. A session is a browser tab; Gradio gives each a name.

    Two visitors who upload the same photo share Gradio's copy of it, which is named by its content. It is
    removed with the last of them.

    Args:
        folder: where all files are; each visitor's results are in a folder below it.
        timeout: seconds without anything new after which a visitor is taken to have left.
        at_close: called with the name of each session that ends, however.
        queued: returns the uploads that jobs were given which wait or are at work, each with its session.
    """

    def __init__(
        self,
        folder: Path,
        timeout: float,
        *,
        at_close: Callable[[str], None] = lambda session: None,
        queued: Callable[[], Iterable[tuple[str, Path]]] = lambda: [],
    ) -> None:
        self._folder = folder
        self._timeout = timeout
        self._at_close = at_close
        self._queued = queued
        self._lock = Lock()
        self._seen: dict[str, float] = {}
        self._left: dict[str, float] = {}
        self._folders: dict[str, Path] = {}
        self._uploads: dict[str, set[Path]] = {}
        self._jobs: dict[tuple[str, str], Event] = {}
        self._closed = False

    def new_folder(self, session: str) -> Path:
        """Return a new folder for results, removed with the session. Its name cannot be guessed.

        Raises:
            GanstyleError: the interface is closing.
        """
        self._close_expired()
        with self._lock:
            if self._closed:
                raise GanstyleError("the interface is closing")
            self._seen[session] = time.monotonic()
            mine = self._folders.setdefault(session, self._folder / f"session-{uuid.uuid4().hex}")
            folder = mine / uuid.uuid4().hex[:8]
            folder.mkdir(parents=True)
        return folder

    def claim(self, session: str, *uploads: Path) -> None:
        """Record that a session uses these uploads; with none, that it has something else that is new."""
        with self._lock:
            self._seen[session] = time.monotonic()
            self._uploads.setdefault(session, set()).update(uploads)

    def register_job(self, session: str, kind: str) -> Event:
        """Return the event that stops a session's next job of a kind; it may begin later."""
        with self._lock:
            self._left.pop(session, None)  # whoever starts a job is here
            return self._job(session, kind)

    def _job(self, session: str, kind: str) -> Event:
        job = self._jobs.setdefault((session, kind), Event())
        if self._closed or time.monotonic() - self._left.get(session, -_ON_ITS_WAY) < _ON_ITS_WAY:
            job.set()
        return job

    def forget_job(self, session: str, kind: str) -> None:
        """Forget a job that has ended, or will not begin."""
        with self._lock:
            self._jobs.pop((session, kind), None)

    def stop_job(self, session: str, kind: str) -> None:
        """Ask a session's job of a kind to stop, whether it runs or waits."""
        with self._lock:
            job = self._jobs.get((session, kind))
        if job:
            job.set()

    @contextmanager
    def job(self, session: str, kind: str) -> Iterator[Event]:
        """Yield the event that stops the job which this block does.

        If the session is closed meanwhile, what the job has made since then is removed after the block.
        """
        with self._lock:
            event = self._job(session, kind)
            late = event.is_set() and session in self._left
        try:
            yield event
        finally:
            with self._lock:
                left = self._jobs.pop((session, kind), None) is not event
            if left or late:
                self.close(session)

    def close(self, session: str) -> None:
        """Stop a session's jobs and remove its files, and uploads that nobody uses."""
        with self._lock:
            running = [job for (owner, _), job in self._jobs.items() if owner == session]
            for job in running:
                job.set()
            self._jobs = {key: job for key, job in self._jobs.items() if key[0] != session}
            self._seen.pop(session, None)
            self._left[session] = time.monotonic()
            folder = self._folders.pop(session, None)
            if folder and running:  # which may still write: at their end, the session is closed again
                self._folders[session] = folder
            mine = self._uploads.pop(session, set())
        self._at_close(session)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        used = self._uploads_in_use(without_jobs_of=session)
        for path in [*(mine - used), *find_abandoned(self._folder, used)]:
            path.unlink(missing_ok=True)

    def _uploads_in_use(self, *, without_jobs_of: str) -> set[Path]:
        """Return what sessions have claimed, and what jobs of all sessions but one were given."""
        queued = {path for owner, path in self._queued() if owner != without_jobs_of}
        with self._lock:
            return queued.union(*self._uploads.values())

    def _close_expired(self) -> None:
        """Close the sessions that have had nothing new for too long."""
        now = time.monotonic()
        with self._lock:
            self._left = {name: left for name, left in self._left.items() if now - left < self._timeout}
            expired = [
                name
                for name, last in self._seen.items()
                if now - last > (min(_AFTER_LEAVING, self._timeout) if name in self._left else self._timeout)
            ]
        for name in expired:
            self.close(name)

    def close_all(self) -> None:
        """Stop all jobs and remove all files. From now on, no job gets a folder to write to."""
        with self._lock:
            self._closed = True
            for job in self._jobs.values():
                job.set()
            folders = list(self._folders.values())
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        for path in find_uploads(self._folder):
            path.unlink(missing_ok=True)


class JobStopped(Exception):  # noqa: N818 — a request, not an error
    """Somebody has asked a job to stop."""


@dataclass(frozen=True)
class JobResult(Generic[_Result]):
    """What a job returned."""

    value: _Result


def run_job(
    work: Callable[[Callable[[_Report], None]], _Result], stop: Event
) -> Iterator[_Report | JobResult[_Result]]:
    """Do work in a thread and yield what it reports and, last of all, what it returns.

    Of reports in quick succession only the latest is yielded. When the iterator is closed, the work is asked
    to stop and waited for.

    Args:
        work: is given a function to report with; it checks ``stop`` itself.
        stop: set when the iterator is closed.

    Raises:
        JobStopped: it was asked to stop before its turn came.
        Exception: whatever the work raises.
    """
    latest: deque[_Report] = deque(maxlen=1)
    ended = Event()
    outcome: list[JobResult[_Result] | BaseException] = []

    def target() -> None:
        try:
            with exclusive(stop):
                outcome.append(JobResult(work(latest.append)))
        except BaseException as error:
            outcome.append(error)
        finally:
            ended.set()

    thread = Thread(target=target, name="ganstyle-job", daemon=True)
    thread.start()
    try:
        while not ended.wait(_INTERVAL):
            if latest:
                yield latest.pop()
        last = outcome[0]
        if isinstance(last, BaseException):
            raise last
        yield last
    finally:
        stop.set()
        thread.join()


@contextmanager
def exclusive(stop: Event) -> Iterator[None]:
    """Wait until no other job is running, then keep others from starting; at the end, return freed memory.

    Gradio's queue sees to that, except that a job whose visitor has left runs on until it notices.

    Raises:
        JobStopped: it was asked to stop before its turn came.
    """
    while not _WORKING.acquire(timeout=0.2):
        if stop.is_set():
            raise JobStopped
    try:
        if stop.is_set():
            raise JobStopped
        yield
    finally:
        release_free_memory()  # each job has a thread of its own, for which the C library would keep it
        _WORKING.release()


def wait_until_idle(timeout: float) -> None:
    """Wait until no job is running, for at most ``timeout`` seconds."""
    if _WORKING.acquire(timeout=timeout):
        _WORKING.release()


def is_idle() -> bool:
    """Say whether no job is running."""
    return not _WORKING.locked()


@contextmanager
def stoppable(
    generator: nn.Module, stop: Event, report: Callable[[float], None] = lambda done: None
) -> Iterator[None]:
    """Make a generator check before each of its layers whether it should stop.

    Args:
        generator: no other thread may use it meanwhile.
        stop: set when it should.
        report: called with the share of layers that are done, in [0, 1].

    Raises:
        JobStopped: it was asked to stop.
    """
    layers = [module for module in generator.modules() if not list(module.children())]
    begun = 0

    def check(module: nn.Module, inputs: Any) -> None:
        nonlocal begun
        if stop.is_set():
            raise JobStopped
        report(min(begun / len(layers), 1.0))
        begun += 1

    hooks = [module.register_forward_pre_hook(check) for module in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
