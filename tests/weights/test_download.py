"""Downloading one file: resumed, checked, once, all of it or nothing."""

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import WeightsError
from ganstyle.weights import download
from ganstyle.weights.download import download_file
from tests.fork_server import ForkServer
from tests.weights.server import (
    CONTENT,
    DIGEST,
    Request,
    Serve,
    left,
    send,
    send_rest,
    something_else,
    start_of,
)


@pytest.fixture
def get(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that downloads from an address."""

    def act(url: str) -> Path:
        path = tmp_path / "cache" / "weights.pth"
        download_file("VGG-16", url, path, DIGEST, otherwise="get it elsewhere")
        return path

    return act


def test_no_network_fails_at_once(get: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail("waited before another try"))
    with pytest.raises(WeightsError, match=r"VGG-16 cannot be downloaded .*; get it elsewhere"):
        get("http://example.invalid/weights.pth")


def test_resumes_a_connection_that_breaks_off(serve: Serve, get: Callable[[str], Path]) -> None:
    asked: list[int] = []

    def answer(request: Request) -> None:
        asked.append(start_of(request))
        send_rest(request, most=5000)

    assert get(serve(answer)).read_bytes() == CONTENT
    assert asked == [0, 5000, 10000, 15000]


def test_resumes_a_connection_that_stalls(
    serve: Serve, get: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def answer(request: Request) -> None:
        asked.append(start_of(request))
        send_rest(request, most=10000)
        if len(asked) == 1:
            time.sleep(4)

    url = serve(answer)
    monkeypatch.setattr(download, "_TIMEOUT", 1.5)
    assert get(url).read_bytes() == CONTENT
    assert asked == [0, 10000]


def test_resumes_a_partial_file_of_an_earlier_process(serve: Serve, get: Callable[[str], Path]) -> None:
    asked: list[int] = []

    def answer(request: Request) -> None:
        asked.append(start_of(request))
        send_rest(request)

    broken = serve(lambda request: send(request, CONTENT[:5000], len(CONTENT)))  # never resumes
    with pytest.raises(WeightsError, match="closed before the end"):
        get(broken)
    path = get(serve(answer))
    assert path.read_bytes() == CONTENT
    assert asked == [5000]
    assert left(path) == [path.name]


def test_server_without_ranges_starts_over(serve: Serve, get: Callable[[str], Path], tmp_path: Path) -> None:
    part = tmp_path / "cache" / "weights.pth.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:100])
    assert get(serve(lambda request: send(request, CONTENT))).read_bytes() == CONTENT


@pytest.mark.parametrize("remains", [b"of something else", CONTENT + b"more"])
def test_partial_file_of_another_download_is_dropped(
    serve: Serve, get: Callable[[str], Path], tmp_path: Path, remains: bytes
) -> None:
    def answer(request: Request) -> None:
        if start_of(request) >= len(CONTENT):
            request.send_error(416)
        else:
            send_rest(request)

    part = tmp_path / "cache" / "weights.pth.part"
    part.parent.mkdir()
    part.write_bytes(remains)
    path = get(serve(answer))
    assert path.read_bytes() == CONTENT
    assert left(path) == [path.name]


def test_finished_part_needs_no_network(get: Callable[[str], Path], tmp_path: Path) -> None:
    part = tmp_path / "cache" / "weights.pth.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT)
    assert get("http://example.invalid/").read_bytes() == CONTENT


def test_wrong_hash_is_reported(serve: Serve, get: Callable[[str], Path], tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=rf"the SHA-256 of http.* starts with \w+, not {DIGEST[:8]}"):
        get(serve(something_else))
    assert left(tmp_path / "cache" / "x") == []


def test_full_disk_is_not_retried(
    serve: Serve, get: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(download, "_receive", full)
    monkeypatch.setattr(download, "_PAUSE", 60)
    with pytest.raises(WeightsError, match="No space left on device"):
        get("http://127.0.0.1/")
    assert left(tmp_path / "cache" / "x") == []


def test_processes_download_once(serve: Serve, get: Callable[[str], Path]) -> None:
    asked: list[None] = []

    def slow(request: Request) -> None:
        asked.append(None)
        time.sleep(0.1)
        send_rest(request)

    url = serve(slow)
    threads = [threading.Thread(target=get, args=(url,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 1
    assert get(url).read_bytes() == CONTENT


_HOLD = """
import sys, time
from pathlib import Path
from ganstyle.locks import one_at_a_time

with one_at_a_time(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_dead_process_holds_no_lock(
    serve: Serve, get: Callable[[str], Path], fork_server: ForkServer, tmp_path: Path
) -> None:
    lock = tmp_path / "cache" / ".weights.pth.lock"
    holder = fork_server.start("-c", _HOLD, str(lock), environment=os.environ)
    assert holder.stdout.readline() == "held\n"
    holder.close()
    assert get(serve(send_rest)).read_bytes() == CONTENT
