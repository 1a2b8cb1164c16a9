"""Serving the application and cleaning up after it; Gradio is only imported when that begins."""

import logging
import os
import shutil
import signal
import stat
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from filelock import FileLock, Timeout

from ganstyle.errors import GanstyleError
from ganstyle.gui.settings import LOOPBACK, Settings, pick_port


@dataclass(frozen=True)
class Served:
    """Where the interface can be opened.

    Attributes:
        address: on this machine or in its network.
        public: a link through Gradio's servers, if one was requested.
    """

    address: str
    public: str | None


@contextmanager
def serve(settings: Settings) -> Iterator[Served]:
    """Serve the interface for as long as the block lasts; then remove its temporary files.

    In the main thread, SIGTERM and SIGHUP end the block as Ctrl-C does, with a `Terminated`.

    Raises:
        GanstyleError: the settings make no sense, the address is not this machine's, or the port is taken.
    """
    pick_port(settings.host, settings.port)  # a wrong one fails before all that takes seconds
    with TerminationSignals() as signals, ExitStack() as cleanup:
        try:
            folder = cleanup.enter_context(temporary_folder())
            cleanup.enter_context(process_settings(folder, _environment(folder)))
            # Here, because Gradio makes a folder as soon as it is imported.
            from ganstyle.gui.app import build

            signals.check()
            blocks, context = build(settings, folder)
            signals.check()
            cleanup.callback(_close_server, blocks)
            cleanup.callback(context.close)  # first: photos are to be gone even if the rest is cut short
            served = _launch(blocks, settings)
            signals.raise_at_once()
            yield served
        finally:
            signals.hold()


def _environment(folder: Path) -> dict[str, str]:
    """Return environment variables: where files go, and that nothing calls home or goes through a proxy."""
    hosts = [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "localhost", LOOPBACK, "::1"]
    return {
        "GRADIO_TEMP_DIR": str(folder),
        "GRADIO_EXAMPLES_CACHE": str(folder / "examples"),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        # Gradio asks its own server whether it is up, and would ask a proxy that the user has set.
        "NO_PROXY": ",".join(filter(None, hosts)),
        "no_proxy": ",".join(filter(None, hosts)),
    }


def _launch(blocks: Any, settings: Settings, attempts: int = 5) -> Served:
    """Start the server; if somebody else takes a port that was free a moment ago, with the next one.

    Raises:
        GanstyleError: the port is taken, or the server does not answer.
    """
    from httpx import HTTPError

    port = pick_port(settings.host, settings.port)
    try:
        return _launch_on(blocks, settings, port)
    except OSError as error:
        if settings.port is None and attempts > 1:
            return _launch(blocks, settings, attempts - 1)
        raise GanstyleError(f"--port {port}: was taken while starting; choose another") from error
    except (ValueError, HTTPError) as error:
        reason = " ".join(str(error).split())
        raise GanstyleError(f"{settings.host}:{port}: the server does not answer ({reason})") from error


def _launch_on(blocks: Any, settings: Settings, port: int) -> Served:
    from starlette.middleware import Middleware

    from ganstyle.gui.app import SCRIPT, STYLE_SHEET, NoFetching, queue_full_response, theme

    _, address, public = blocks.launch(
        server_name=_url_host(settings.host),
        server_port=port,
        auth=settings.login,
        share=settings.share,
        max_file_size=settings.max_upload,
        root_path=settings.root_path or None,  # None: Gradio's own environment variable
        theme=theme(),
        css_paths=STYLE_SHEET,
        js=SCRIPT.read_text(encoding="utf-8"),
        footer_links=["api"],
        prevent_thread_lock=True,
        quiet=True,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        app_kwargs={
            "middleware": [Middleware(NoFetching)],
            "exception_handlers": {503: queue_full_response},
        },
    )
    return Served(address, public or None)


def _close_server(blocks: Any) -> None:
    if blocks.is_running:
        # Visitors who keep their connection are not waited for; uvicorn would report each as an error.
        blocks.server.config.timeout_graceful_shutdown = 1
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    blocks.close(verbose=False)


def _url_host(host: str) -> str:
    """Return a host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


_PREFIX = "ganstyle-gui-"
_LOCK = ".lock"
_ATTEMPTS = 100


class Terminated(KeyboardInterrupt):
    """The process was asked to end by SIGTERM or SIGHUP, as `docker stop` and a closed terminal do."""


class TerminationSignals:
    """Turns SIGTERM and SIGHUP into an exception as Ctrl-C is one, so that everything is cleaned up.

    The exception is raised by `check` while the program starts, because code that is being imported does not
    expect one; after `raise_at_once`, wherever the main thread is; never after `hold`, so that cleaning up is
    not interrupted. A signal that the process was started to ignore, as `nohup` does with SIGHUP, stays
    ignored. Handlers are only set in the main thread, and taken back at the end.
    """

    def __init__(self) -> None:
        self._received: int | None = None
        self._at_once = False
        self._previous: dict[int, signal._HANDLER] = {}

    def check(self) -> None:
        """Raise if a signal has come.

        Raises:
            KeyboardInterrupt: it was SIGINT.
            Terminated: it was SIGTERM or SIGHUP.
        """
        if self._received is not None:
            raise KeyboardInterrupt if self._received == signal.SIGINT else Terminated

    def raise_at_once(self) -> None:
        """From now on, raise as soon as a signal comes."""
        self._at_once = True
        self.check()

    def hold(self) -> None:
        """From now on, raise no more."""
        self._at_once = False

    def _handle(self, number: int, _: FrameType | None) -> None:
        first = self._received is None
        self._received = number if first else self._received
        if first and self._at_once:
            self.check()

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
                    self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.hold()
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Make a temporary folder and remove it at the end, with those that killed processes left behind.

    A process holds a lock in its folder; the system releases it however the process ends.
    """
    _remove_abandoned(Path(tempfile.gettempdir()))
    folder, lock = _locked_folder()
    try:
        yield folder
    finally:
        ending = folder
        with suppress(OSError):  # under another name, nobody writes to it anymore
            ending = folder.rename(folder.with_name(f"{folder.name}-ending"))
        shutil.rmtree(ending, ignore_errors=True)
        lock.release()
        for leftover in (ending, folder):
            shutil.rmtree(leftover, ignore_errors=True)


def _locked_folder() -> tuple[Path, FileLock]:
    for _ in range(_ATTEMPTS):
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
        lock = FileLock(folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:  # another process started just now and takes the folder for abandoned
            continue
        return folder, lock
    raise OSError(f"{tempfile.gettempdir()}: cannot lock a folder here")


def _remove_abandoned(parent: Path) -> None:
    """Remove this user's temporary folders of processes that no longer run."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError, Timeout):
            status = folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or (hasattr(os, "getuid") and status.st_uid != os.getuid()):
                continue
            with FileLock(folder / _LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def process_settings(temporary: Path, environment: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables, and the folder for the temporary files of every library, for a block.

    Gradio writes uploads to Python's temporary folder as they arrive; it has no setting of its own for that.
    """
    before = {name: os.environ.get(name) for name in environment}
    before_folder = tempfile.tempdir
    os.environ.update(environment)
    tempfile.tempdir = str(temporary)
    try:
        yield
    finally:
        tempfile.tempdir = before_folder
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
