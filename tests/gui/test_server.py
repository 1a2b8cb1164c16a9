"""What is said when the server cannot start, and what remains of it: nothing."""

import _socket
import errno
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest

import ganstyle.gui.server
from ganstyle.errors import GanstyleError
from ganstyle.gui.server import (
    Settings,
    _launch,
    is_loopback,
    pick_port,
    process_settings,
    serve,
)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_invalid_host_is_one_line(tmp_path: Path) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "ganstyle", "gui", "--host", "nosuch.invalid", "--no-auth"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("ganstyle: --host nosuch.invalid: not an address of this machine")
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("error", [OSError("the caller's"), ValueError("the caller's")])
def test_errors_of_the_caller_are_not_the_port(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    class Blocks:
        is_running = False

        def launch(self, **options: Any) -> tuple[None, str, str]:
            return None, "http://127.0.0.1:1/", ""

        def close(self, verbose: bool) -> None:
            ended.append("server")

    class Context:
        def close(self) -> None:
            ended.append("context")

    ended: list[str] = []
    monkeypatch.setattr("ganstyle.gui.app.build", lambda settings, folder: (Blocks(), Context()))
    with pytest.raises(type(error)) as caught, serve(Settings()):
        raise error
    assert caught.value is error
    assert ended == ["context", "server"]


def test_port_taken_during_startup(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes seconds, in which another server may start."""

    class Blocks:
        ports: ClassVar[list[int]] = []

        def launch(self, server_port: int, **options: Any) -> tuple[None, str, str]:
            self.ports.append(server_port)
            if len(self.ports) < 3:
                raise OSError("Cannot find empty port in range")
            return None, f"http://127.0.0.1:{server_port}/", ""

    monkeypatch.setattr(ganstyle.gui.server, "_PORTS", range(taken, taken + 100))
    assert _launch(Blocks(), Settings()).address == f"http://127.0.0.1:{Blocks.ports[-1]}/"
    assert len(Blocks.ports) == 3
    Blocks.ports.clear()
    port = pick_port("127.0.0.1", None)
    with pytest.raises(GanstyleError, match=f"--port {port}: was taken while starting"):
        _launch(Blocks(), Settings(port=port))
    assert Blocks.ports == [port]


def test_behind_a_proxy_and_on_ipv6(another: Callable[..., AbstractContextManager[Any]]) -> None:
    """Gradio asks its own server whether it is up; a proxy for the internet cannot answer that."""
    proxy = "http://127.0.0.1:9"
    with another("--host", "::1", http_proxy=proxy, HTTP_PROXY=proxy, ALL_PROXY=proxy) as served:
        assert served.address.startswith("http://[::1]:")
        assert httpx.get(served.address, trust_env=False).status_code == 200


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Python's folder for temporary files, an empty one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_process_settings_are_restored(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    with process_settings(temporary / "x", {"GRADIO_TEMP_DIR": "x", "NO_PROXY": "y"}):
        assert tempfile.gettempdir() == str(temporary / "x")
    assert tempfile.gettempdir() == str(temporary)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback_addresses(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_proxy_allows_remote_visitors() -> None:
    assert Settings().local
    assert not Settings(root_path="/ganstyle").local
    assert not Settings(share=True).local
    assert not Settings(host="0.0.0.0").local


@pytest.fixture(autouse=True)
def _numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve addresses as ever, and names but for localhost as a machine does that knows none."""

    def resolve(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if host != "localhost":
            flags |= socket.AI_NUMERICHOST
        return _socket.getaddrinfo(host, port, family, type, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    "host",
    [
        "nosuch.invalid",
        "192.0.2.1",
        "127.0.0.1:7860",
        "0.0.0.0:80",
        "http://localhost",
        "a" * 70,
        "a..b",
        "fe80::1",
        "::1::2",
        "256.0.0.1",
    ],
)
@pytest.mark.parametrize("port", [None, 7999])
def test_invalid_host_fails_at_once(host: str, port: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    resolve = socket.getaddrinfo

    def count(*arguments: Any, **keywords: Any) -> Any:
        calls.append(arguments)
        return resolve(*arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", count)
    with pytest.raises(GanstyleError, match="not an address of this machine") as caught:
        pick_port(host, port)
    assert host in str(caught.value)
    assert len(calls) <= 1


@pytest.mark.parametrize("host", ["", " ", "[]"])
def test_empty_host_is_refused(host: str) -> None:
    with pytest.raises(GanstyleError, match="--host: is empty"):
        pick_port(host, None)


def test_taken_port_is_refused(taken: int) -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        with pytest.raises(GanstyleError, match=f"--port {taken}: already in use"):
            pick_port(host, taken)


def test_next_free_port_is_chosen(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganstyle.gui.server, "_PORTS", range(taken, taken + 100))
    assert taken < pick_port("127.0.0.1", None) < taken + 100
    monkeypatch.setattr(ganstyle.gui.server, "_PORTS", range(taken, taken + 1))
    with pytest.raises(GanstyleError, match=f"ports {taken} to {taken} are all taken"):
        pick_port("127.0.0.1", None)


def test_port_without_permission_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(GanstyleError, match="--port 80: not allowed; choose one above 1023"):
        pick_port("127.0.0.1", 80)
