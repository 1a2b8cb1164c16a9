"""A served interface, and clients that talk to it."""

import atexit
import json
import os
import re
import shutil
import signal
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from tests.gui import no_stubs  # noqa: F401

# isort: split
from ganstyle.gui.app import MAX_QUEUE
from ganstyle.images import encode_png
from ganstyle.style import load_style, save_style, shipped_styles
from tests.fork_server import Fork, ForkServer

CONTROLS = (1.0, False, None, 1.0, None)  # strength, colors, mask, stroke size, history

_SERVER = ForkServer(
    "tests.gui.offline", "tests.gui.no_stubs", "ganstyle.cli", "ganstyle.gui.app", "ganstyle.gui.server"
)
"""Importing Gradio takes longer than most tests of the interface."""
atexit.register(_SERVER.close)

# The command itself; the process cannot reach other machines and writes down when it tries.
_COMMAND = """
import os, sys
from tests.gui import offline
offline.report_to(sys.argv[1])
os.dup2(os.open(sys.argv[2], os.O_WRONLY | os.O_CREAT), 2)
exec(sys.argv[3])
sys.argv = ["ganstyle", *sys.argv[4:]]
from ganstyle.cli import main
main()
"""


@dataclass
class Served:
    """A running ``ganstyle gui``.

    Attributes:
        address: where.
        process: which.
        temporary: the folder for its temporary files.
        runs: the folder that it was told with ``--runs``.
        strays: a file that names every other machine that it looked for.
        errors: a file with what it wrote to standard error.
    """

    address: str
    process: Fork
    temporary: Path
    runs: Path
    strays: Path
    errors: Path

    def end(self, *signals: signal.Signals) -> None:
        """End it with these signals and check that it leaves nothing."""
        assert self.process.poll() is None, self.errors.read_text()
        for number in signals:
            self.process.send_signal(number)
            time.sleep(0.1)
        assert self.process.wait(90) == 0, self.errors.read_text()
        # A training's process keeps PyTorch's cache, which is the machine's and not a visitor's.
        assert [path for path in self.temporary.iterdir() if "torchinductor" not in path.name] == []
        assert self.strays.read_text() == ""

    def paths(self) -> set[Path]:
        """Return what `temporary` holds. Unlike `Path.rglob`, it bears that folders vanish meanwhile."""
        walk = os.walk(self.temporary)
        return {Path(folder, name) for folder, folders, files in walk for name in [*folders, *files]}


def start_gui(folder: Path, *options: str | Path, setup: str = "", **environment: str) -> Served:
    """Start ``ganstyle gui`` in a process of its own, with its files in a folder; it has no address yet.

    Args:
        folder: of its files.
        options: of the command.
        setup: Python statements that the process begins with.
        environment: its variables.
    """
    temporary, runs, strays, errors = (folder / name for name in ("tmp", "runs", "strays", "errors"))
    temporary.mkdir(exist_ok=True)
    strays.touch()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GRADIO")}
    own = {"TMPDIR": str(temporary), "OMP_NUM_THREADS": "1"}
    fixed = ("gui", "--runs", runs, "--vgg", "distilled", "--device", "cpu")
    arguments = map(str, (strays, errors, setup, *fixed, *options))
    process = _SERVER.start(
        "-c", f"{setup}\n{_COMMAND}", *arguments, environment={**inherited, **own, **environment}, cwd=folder
    )
    return Served("", process, temporary, runs, strays, errors)


@contextmanager
def run_gui(folder: Path, *options: str | Path, setup: str = "", **environment: str) -> Iterator[Served]:
    """Run ``ganstyle gui`` as `start_gui` does until it serves; at the end, press Ctrl-C."""
    served = start_gui(folder, *options, setup=setup, **environment)
    process = served.process
    try:
        found = re.search(r"http://\S+", process.stdout.readline())
        assert found, served.errors.read_text()
        served.address = found[0]
        yield served
        if process.poll() is None:
            served.end(signal.SIGINT)
    finally:
        process.close()


BRIEF = httpx.Limits(keepalive_expiry=1)
"""Of idle connections. By default, server and client both close them after five seconds, whoever is first."""


class Client:
    """What a browser sends, without the browser."""

    def __init__(self, address: str, session: str, **options: Any) -> None:
        self.session = session
        self.http = httpx.Client(base_url=address, timeout=60, **{"limits": BRIEF} | options)
        self._config: dict[str, Any] | None = None

    @property
    def config(self) -> dict[str, Any]:
        if self._config is None:
            self._config = self.http.get("config").json()
        return self._config

    def upload(self, name: str, content: bytes) -> dict[str, Any]:
        """Upload a file and return what stands for it in a form."""
        answer = self.http.post("gradio_api/upload", files={"files": (name, content, "image/png")})
        answer.raise_for_status()
        return {"path": answer.json()[0], "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def join(self, name: str, *values: Any) -> httpx.Response:
        """Queue a job by its name."""
        number = next(each["id"] for each in self.config["dependencies"] if each["api_name"] == name)
        job = {"data": list(values), "fn_index": number, "session_hash": self.session}
        return self.http.post("gradio_api/queue/join", json=job)

    def wait(self, patience: float = 90) -> tuple[list[Any], str | None]:
        """Return the values of the job that was queued, and its error; wait for so many seconds."""
        deadline = time.monotonic() + patience
        with self.http.stream("GET", "gradio_api/queue/data", params={"session_hash": self.session}) as lines:
            for line in lines.iter_lines():
                assert time.monotonic() < deadline, "the job does not end"
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("msg") == "process_completed":
                    output = message["output"]
                    return output.get("data", []), output.get("error")
        raise AssertionError("the stream ended before the job")

    def run(self, name: str, *values: Any) -> tuple[list[Any], str | None]:
        """Do a job."""
        answer = self.join(name, *values)
        assert answer.status_code == 200, answer.text
        return self.wait()

    def leave(self) -> None:
        """Close the tab: end the connection that says that it is open."""
        with self.http.stream("GET", f"gradio_api/heartbeat/{self.session}") as alive:
            next(alive.iter_lines())

    def fetch(self, file: dict[str, Any]) -> bytes:
        """Download a result."""
        answer = self.http.get(file["url"])
        answer.raise_for_status()
        return answer.content


@pytest.fixture(scope="session")
def styles_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a style of one's own: a shipped one with another sign."""
    folder = tmp_path_factory.mktemp("own")
    shipped = load_style(next(iter(shipped_styles())))
    other = {name: -value for name, value in shipped.generator.state_dict().items()}
    shipped.generator.load_state_dict(other)
    save_style(folder / "mine.safetensors", shipped.generator, shipped.recipe, shipped.target, shipped.info)
    return folder


@pytest.fixture(scope="session")
def served(
    styles_folder: Path, any_painting: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The interface, served on loopback, with a style of one's own and a generator for any painting."""
    folder = tmp_path_factory.mktemp("gui")
    with run_gui(folder, "--styles", styles_folder, GANSTYLE_ANY=str(any_painting)) as where:
        yield where


@pytest.fixture
def runs_folder(served: Served) -> Path:
    """Where the served interface looks for runs: empty."""
    shutil.rmtree(served.runs, ignore_errors=True)
    return served.runs


@pytest.fixture
def connect(served: Served) -> Iterator[Callable[..., Client]]:
    """Return a function that gives a client with a session of that name."""
    clients: list[Client] = []

    def make(session: str) -> Client:
        clients.append(Client(served.address, session))
        return clients[-1]

    yield make
    for client in clients:
        client.http.close()


@pytest.fixture
def client(connect: Callable[..., Client], request: pytest.FixtureRequest) -> Client:
    return connect(request.node.name)


@pytest.fixture
def full_queue(
    connect: Callable[..., Client], png: Callable[..., bytes]
) -> Callable[[], AbstractContextManager[None]]:
    """Return a function that gives a context in which the queue is full: a job works, and others wait."""

    @contextmanager
    def fill() -> Iterator[None]:
        worker, waiting = connect("worker"), [connect(f"waiting-{number}") for number in range(MAX_QUEUE)]
        with worker.http.stream("GET", f"gradio_api/heartbeat/{worker.session}") as alive:
            lines = alive.iter_lines()  # kept, for the connection ends with it
            assert next(lines)
            pair = (worker.upload("x.png", png(0, 512)), worker.upload("y.png", png(1, 512)))
            assert worker.join("optimize", *pair, "lbfgs", 500, 512, 30, "off").status_code == 200
            while worker.http.get("gradio_api/queue/status").json()["queue_size"]:
                time.sleep(0.05)
            for number, each in enumerate(waiting):
                photo = each.upload("x.png", png(number))
                assert each.join("stylize", photo, "starry_night", *CONTROLS).status_code == 200
            yield
        for each in waiting:
            assert each.wait()[1] is None
            each.leave()

    return fill


@pytest.fixture
def another(tmp_path: Path) -> Callable[..., AbstractContextManager[Served]]:
    """Return a function that runs another ``ganstyle gui``, as `run_gui` does."""
    return partial(run_gui, tmp_path)


@pytest.fixture
def png() -> Callable[..., bytes]:
    """Return a function that gives a PNG file's content, another picture for each seed."""

    def make(seed: int = 0, side: int = 32) -> bytes:
        return encode_png(torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)))

    return make


@pytest.fixture
def huge_png() -> Callable[[int], bytes]:
    """Return a function that gives a small PNG file whose header promises a square of this side."""

    def make(side: int) -> bytes:
        def chunk(kind: bytes, data: bytes) -> bytes:
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        header = struct.pack(">IIBBBBB", side, side, 8, 6, 0, 0, 0)
        body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body

    return make
