"""Serving the application and cleaning up after it; Gradio is only imported when that begins."""

import errno
import logging
import os
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ganstyle.errors import GanstyleError, one_line
from ganstyle.locks import temporary_folder

LOOPBACK = "127.0.0.1"

_PORTS = range(7860, 7960)
"""Tried in this order when no port is given; the first is Gradio's usual one."""

# What Gradio remembers, at 200 kB each; its own limit is 10,000. Visitors who leave are forgotten at once;
# programs need not say that they do.
_MOST_SESSIONS = 500


@dataclass(frozen=True)
class Settings:
    """What the command line decides.

    Attributes:
        styles: a folder of further styles.
        runs: the folder of training runs; it need not exist.
        vgg: see `find_vgg16`; nothing is downloaded.
        device: see `pick_device`.
        host: the address to listen on.
        port: None: the first free one from 7860.
        login: user and password; None: nobody is asked.
        share: make a public link, through Gradio's servers.
        root_path: where a reverse proxy serves it: a path as `path_prefix` returns it, or a whole address.
        max_upload: largest file that visitors may upload, in bytes.
        train: whether visitors may train styles, which fills the disk and the processors of this machine.
        photos: a folder of photos that they may train on; None: only on those that they upload.
    """

    styles: Path | None = None
    runs: Path = Path("runs")
    vgg: str = "auto"
    device: str = "auto"
    host: str = LOOPBACK
    port: int | None = None
    login: tuple[str, str] | None = None
    share: bool = False
    root_path: str = ""
    max_upload: int = 20 * 1024**2
    train: bool = False
    photos: Path | None = None

    @property
    def local(self) -> bool:
        """Whether only this machine's own browsers can open it, as far as is known."""
        return is_loopback(self.host) and not self.share and not self.root_path


def is_loopback(host: str) -> bool:
    """Say whether an address or a name is this machine's own, which no other machine reaches."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


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
def serve(settings: Settings, check: Callable[[], None] = lambda: None) -> Iterator[Served]:
    """Serve the interface for as long as the block lasts; then remove its temporary files.

    Args:
        settings: what is served, and where.
        check: called between the steps of starting, which take seconds; it may raise an exception to end it.

    Raises:
        GanstyleError: the settings make no sense, the address is not this machine's, or the port is taken.
    """
    pick_port(settings.host, settings.port)  # a wrong one fails before all that takes seconds
    with ExitStack() as cleanup:
        folder = cleanup.enter_context(temporary_folder("ganstyle-gui-"))
        cleanup.enter_context(process_settings(folder, _environment(folder)))
        # Here, because Gradio makes a folder as soon as it is imported.
        from ganstyle.gui.app import build

        check()
        blocks, context = build(settings, folder)
        cleanup.callback(_close_server, blocks)
        cleanup.callback(context.close)  # first: photos are to be gone even if the rest is cut short
        check()
        yield _launch(blocks, settings)


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
        # Gradio raises the same error if its own server needs more than five seconds.
        raise GanstyleError(
            f"--port {port}: was taken while starting, or this machine is too busy to start within "
            "5 seconds; try again, or choose another port"
        ) from error
    except (ValueError, HTTPError) as error:
        reason = one_line(error)
        raise GanstyleError(f"{settings.host}:{port}: the server does not answer ({reason})") from error


def _launch_on(blocks: Any, settings: Settings, port: int) -> Served:
    from starlette.middleware import Middleware
    from starlette.requests import ClientDisconnect

    from ganstyle.gui.app import SCRIPT, STYLE_SHEET, queue_full_response, theme
    from ganstyle.gui.middleware import NoFetching, SameOrigin, SlowLogin, disk_full_response, left_response

    _, address, public = blocks.launch(
        server_name=_url_host(settings.host),
        server_port=port,
        auth=settings.login,
        share=settings.share,
        max_file_size=settings.max_upload,
        state_session_capacity=_MOST_SESSIONS,
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
            "middleware": [
                Middleware(NoFetching),
                Middleware(SameOrigin, local=settings.local, root_path=settings.root_path),
                Middleware(SlowLogin),
            ],
            "exception_handlers": {
                503: queue_full_response,
                OSError: disk_full_response,
                ClientDisconnect: left_response,
            },
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


def pick_port(host: str, port: int | None) -> int:
    """Return a free port, once it is certain that the address can be listened on.

    Args:
        host: an address or a name of this machine.
        port: the only one to try; None: the first free one of the usual ones.

    Raises:
        GanstyleError: the address is not this machine's, or the port is taken or not allowed.
    """
    addresses = _resolve(host)
    for candidate in _PORTS if port is None else [port]:
        try:
            _try_to_listen(addresses, candidate)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                continue
            if error.errno == errno.EACCES:
                raise GanstyleError(f"--port {candidate}: not allowed; choose one above 1023") from error
            raise _not_here(host, error.strerror or str(error)) from error
        return candidate
    if port is None:
        raise GanstyleError(f"ports {_PORTS[0]} to {_PORTS[-1]} are all taken; choose another with --port")
    raise GanstyleError(f"--port {port}: already in use; choose another, or leave it out to get a free one")


def _resolve(host: str) -> list[tuple[socket.AddressFamily, tuple[Any, ...]]]:
    """Return the family and the socket address, port 0, of all that a server of this name would listen on."""
    name = host.removeprefix("[").removesuffix("]") if host.startswith("[") else host
    if not name.strip():
        raise GanstyleError(f"--host: is empty; leave it out to serve this machine only ({LOOPBACK})")
    with suppress(ValueError):  # a number needs no lookup
        number = ip_address(name)
        if number.version == 4:
            return [(socket.AF_INET, (name, 0))]
        if not number.scope_id:
            return [(socket.AF_INET6, (name, 0, 0, 0))]
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise _not_here(host, getattr(error, "strerror", None) or "no valid name") from error
    return [(family, address) for family, *_, address in found]


def _try_to_listen(addresses: list[tuple[socket.AddressFamily, tuple[Any, ...]]], port: int) -> None:
    # Gradio refuses a port that is taken on the loopback address, whatever the host.
    for family, (address, _, *scope) in [*addresses, (socket.AF_INET, (LOOPBACK, 0))]:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            probe.bind((address, port, *scope))


def _not_here(host: str, reason: str) -> GanstyleError:
    return GanstyleError(
        f"--host {host}: not an address of this machine ({reason}); "
        f"use {LOOPBACK} for this machine only, or 0.0.0.0 for all its networks"
    )
