"""What is said when the server cannot start, and what remains of it: nothing."""

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

import ganstyle.gui.settings
from ganstyle.errors import GanstyleError
from ganstyle.gui.server import (
    _launch,
    process_settings,
    serve,
)
from ganstyle.gui.settings import Settings, pick_port


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_wrong_host_in_one_line(tmp_path: Path) -> None:
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


def test_a_port_that_is_taken_while_starting(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading takes seconds, in which another server may start."""

    class Blocks:
        ports: ClassVar[list[int]] = []

        def launch(self, server_port: int, **options: Any) -> tuple[None, str, str]:
            self.ports.append(server_port)
            if len(self.ports) < 3:
                raise OSError("Cannot find empty port in range")
            return None, f"http://127.0.0.1:{server_port}/", ""

    monkeypatch.setattr(ganstyle.gui.settings, "_PORTS", range(taken, taken + 100))
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


def test_settings_of_the_process_come_back(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "example.org")
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    with process_settings(temporary / "x", {"GRADIO_TEMP_DIR": "x", "NO_PROXY": "y"}):
        assert tempfile.gettempdir() == str(temporary / "x")
    assert tempfile.gettempdir() == str(temporary)
