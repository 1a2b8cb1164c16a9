"""What the command line decides about the interface: what it shows, where it listens, who may open it."""

import errno
import re
import socket
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ganstyle.errors import GanstyleError

LOOPBACK = "127.0.0.1"
AUTH_VARIABLE = "GANSTYLE_AUTH"
"""The environment variable that may hold ``user:password``; a command line shows it to every local user."""

_PORTS = range(7860, 7960)
"""Tried in this order when no port is given; the first is Gradio's usual one."""

_MEGABYTE = 1024**2
_UNITS = {"": 1, "b": 1, "k": 1024, "m": _MEGABYTE, "g": 1024**3}


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
    max_upload: int = 20 * _MEGABYTE
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


def credentials(
    auth: str | None, *, host: str = LOOPBACK, share: bool = False, no_auth: bool = False
) -> tuple[str, str] | None:
    """Return the user and the password to ask for, or None to ask nobody.

    Args:
        auth: ``user:password``; empty or None: there is none.
        host: the address to listen on.
        share: whether there will be a public link.
        no_auth: other people may come in without a password.

    Raises:
        GanstyleError: others could reach this machine and there is no password; or ``auth`` is malformed,
            or contradicts ``no_auth``.
    """
    if auth and no_auth:
        raise GanstyleError(f"a password (--auth or {AUTH_VARIABLE}) and --no-auth contradict each other")
    if auth:
        user, _, password = auth.partition(":")
        if not (user and password):
            raise GanstyleError(f"--auth (or {AUTH_VARIABLE}): write it as user:password, neither part empty")
        return user, password
    if not no_auth and (share or not is_loopback(host)):
        what = "--share" if share else f"--host {host}"
        raise GanstyleError(
            f"{what}: others could use this machine; set a password with --auth user:password "
            f"or {AUTH_VARIABLE}, or say --no-auth"
        )
    return None


def parse_file_size(text: str) -> int:
    """Return a size in bytes, given as a number with a unit such as ``100mb`` or ``1.5 GB``.

    Raises:
        GanstyleError: it is malformed, or less than one byte.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?) *([kmg]?)i?(b?)", text.strip().lower())
    size = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if size < 1:
        raise GanstyleError(f"--max-upload {text}: write a size such as 100mb or 1gb")
    return size


def path_prefix(text: str) -> str:
    """Return a path prefix as Gradio needs it: with a slash before and none after; addresses are kept.

    Raises:
        GanstyleError: it is neither a path nor an address with http or https.
    """
    prefix = text.strip().rstrip("/")
    if re.fullmatch(r"https?://[^\s?#]+", prefix):
        return prefix
    if re.search(r"[\s?#\\]|//|:", prefix):
        raise GanstyleError(
            f"--root-path {text}: write a path such as /ganstyle, or an address such as https://example.org/ganstyle"
        )
    return f"/{prefix.lstrip('/')}" if prefix else ""


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
    with suppress(ValueError):
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
