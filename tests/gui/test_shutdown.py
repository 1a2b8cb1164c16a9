"""However the interface ends, its visitors' photos are removed and nothing keeps running."""

import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest

from tests.gui.conftest import Client, start_gui

Another = Callable[..., AbstractContextManager[Any]]


def start_tensorboard(client: Any) -> psutil.Process:
    """Click on the button, and return the process."""
    number = next(each["id"] for each in client.config["dependencies"] if each["api_name"] == "start")
    job = {"data": [], "fn_index": number, "session_hash": client.session}
    assert "Open TensorBoard at" in client.http.post("gradio_api/run/predict", json=job).json()["data"][0]
    server = psutil.Process(client.process.pid)
    return next(child for child in server.children() if "tensorboard" in " ".join(child.cmdline()))


@pytest.fixture
def connect_to() -> Iterator[Callable[[Any], Any]]:
    """Return a function that gives a client of a served interface."""
    clients = []

    def make(served: Any) -> Client:
        client = Client(served.address, "visitor")
        client.process = served.process  # type: ignore[attr-defined]
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.http.close()


def begin_upload(address: str) -> socket.socket:
    """Begin to upload a photo and leave it at that."""
    parts = urlsplit(address)
    connection = socket.create_connection((parts.hostname or "", parts.port or 0))
    body = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="me.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + b"secret" * 1000
    )
    connection.sendall(
        b"POST /gradio_api/upload HTTP/1.1\r\nHost: %b\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        b"Content-Length: 100000\r\n\r\n" % parts.netloc.encode() + body
    )
    return connection


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_sigterm_during_a_job_removes_photos_and_ends_tensorboard(
    another: Another, connect_to: Callable[[Any], Any], png: Callable[..., bytes]
) -> None:
    """As `docker stop` does; here somebody also loses patience and repeats it."""
    with another() as served:
        client = connect_to(served)
        tensorboard = start_tensorboard(client)
        pair = (client.upload("x.png", png(0, 512)), client.upload("y.png", png(1, 512)))
        assert client.join("optimize", *pair, "lbfgs", 500, 512, 30, "off").status_code == 200
        with begin_upload(served.address):
            wait_for(lambda: list(served.temporary.glob("ganstyle-gui-*/tmp*")))
            time.sleep(2)
            served.end(signal.SIGTERM, signal.SIGTERM, signal.SIGINT)
        assert served.errors.read_text() == ""
        assert not tensorboard.is_running()


def test_sighup_removes_photos(
    another: Another, connect_to: Callable[[Any], Any], png: Callable[..., bytes]
) -> None:
    with another() as served:
        connect_to(served).upload("x.png", png())
        assert len([path for path in served.paths() if path.suffix == ".png" and path.is_file()]) == 1
        served.end(signal.SIGHUP)
        assert served.process.stdout.read().splitlines()[-1] == "ended"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_during_startup(number: signal.Signals, tmp_path: Path) -> None:
    served = start_gui(tmp_path)
    try:
        wait_for(lambda: list(served.temporary.glob("ganstyle-gui-*/.lock")))
        served.end(number)
        assert served.errors.read_text() == ""
    finally:
        served.process.close()


# A finalizer is at work when the signal comes: Python prints an exception raised there, and goes on.
_SIGNAL_IN_FINALIZER = """
import os, signal, typer

class Finalized:
    def __del__(self):
        os.kill(os.getpid(), signal.{name})
        for _ in range(1000):
            pass

def echo(*arguments, say=typer.echo, **keywords):
    say(*arguments, **keywords)
    Finalized()

typer.echo = echo
"""


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_in_a_finalizer_ends_the_server(name: str, tmp_path: Path) -> None:
    served = start_gui(tmp_path, setup=_SIGNAL_IN_FINALIZER.format(name=name))
    try:
        assert served.process.wait(60) == 0
        assert served.errors.read_text() == ""
        assert served.process.stdout.read().splitlines()[-1] == "ended"
        assert list(served.temporary.iterdir()) == []
    finally:
        served.process.close()


@pytest.mark.slow
def test_the_next_start_removes_what_a_killed_server_left(
    another: Another, connect_to: Callable[[Any], Any], png: Callable[..., bytes], tmp_path: Path
) -> None:
    with another() as killed:
        client = connect_to(killed)
        client.upload("x.png", png())
        tensorboard = start_tensorboard(client)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait()
        assert "x.png" in {path.name for path in killed.paths()}
        with suppress(psutil.NoSuchProcess):
            tensorboard.wait(20)  # it ends with its parent
    with another() as served:
        assert len(list(served.temporary.iterdir())) == 1
        assert "x.png" not in {path.name for path in served.paths()}
