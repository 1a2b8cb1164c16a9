"""A machine without a network, without the user's weights and without caches, for every test."""

import errno
import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import count
from pathlib import Path
from typing import Any

import pytest


def _is_local(address: Any) -> bool:
    """Say whether a socket's address is a path or names this machine."""
    if not isinstance(address, tuple):
        return True
    host = str(address[0]).partition("%")[0]
    try:
        return host in ("", "localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def _torch_homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gives each test a folder of its own; ``mktemp`` looks through all folders before to name the next."""
    folder = tmp_path_factory.mktemp("torch_homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def _isolated(_torch_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the user's weights and caches, and cut the network as an unplugged cable would."""
    monkeypatch.delenv("GANSTYLE_VGG16", raising=False)
    monkeypatch.delenv("GANSTYLE_INCEPTION", raising=False)
    monkeypatch.delenv("GANSTYLE_ANY", raising=False)
    torch_home = next(_torch_homes)
    torch_home.mkdir()
    monkeypatch.setenv("TORCH_HOME", str(torch_home))
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if not _is_local(address):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        return connect_ex(self, address) if _is_local(address) else errno.ENETUNREACH

    def guarded_getaddrinfo(host: Any, *args: Any, **keywords: Any) -> Any:
        if host is not None and not _is_local((host.decode() if isinstance(host, bytes) else host,)):
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return getaddrinfo(host, *args, **keywords)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
