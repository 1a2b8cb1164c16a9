"""Imported first, this cuts a process off from other machines, and notes which ones it looks for."""

import errno
import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn

_strays: list[str] = []
_file: Path | None = None

_connect, _getaddrinfo = socket.socket.connect, socket.getaddrinfo


def report_to(path: str) -> None:
    """Write to a file which machines have been looked for; those so far, and those to come."""
    global _file
    _file = Path(path)
    _file.write_text("".join(f"{host}\n" for host in _strays))


def _is_local(host: str | None) -> bool:
    try:
        return host in (None, "", "localhost") or ip_address(str(host)).is_loopback
    except ValueError:
        return False


def _refuse(host: object) -> NoReturn:
    _strays.append(str(host))
    if _file:
        report_to(str(_file))
    raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


def _guarded_connect(self: socket.socket, address: Any) -> None:
    if isinstance(address, tuple) and not _is_local(address[0]):
        _refuse(address[0])
    _connect(self, address)


def _guarded_getaddrinfo(host: Any, *arguments: Any, **options: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    return _getaddrinfo(host, *arguments, **options) if _is_local(name) else _refuse(name)


socket.socket.connect = _guarded_connect  # type: ignore[assignment, method-assign]
socket.getaddrinfo = _guarded_getaddrinfo
