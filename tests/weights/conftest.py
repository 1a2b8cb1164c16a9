"""What the tests of weights share: a server on this machine, and ways to take things away."""

import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ganstyle.models import VGG16Student
from ganstyle.weights import VGG16_FILE, download, vgg16
from ganstyle.weights.student import save_student
from tests.weights.server import Answer, Server


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the test if a download is even tried."""
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked the network"))


@pytest.fixture
def nothing_ships(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the distilled network out of the installation."""
    monkeypatch.setattr(vgg16, "shipped_student", lambda: tmp_path / "nothing.safetensors")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a small student ship."""
    path = tmp_path / "shipped.safetensors"
    save_student(path, VGG16Student((4, 64, 4, 128, 8, 8, 256)), {})
    monkeypatch.setattr(vgg16, "shipped_student", lambda: path)
    return path


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], str]]:
    servers: list[Server] = []
    monkeypatch.setattr(download, "_PAUSE", 0.001)
    monkeypatch.setattr(download, "_TIMEOUT", 10.0)  # a busy machine answers late

    def start(answer: Answer) -> str:
        server = Server(answer)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/{VGG16_FILE}"
        monkeypatch.setattr(vgg16, "VGG16_URL", url)
        return url

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
