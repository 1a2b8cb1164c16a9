import errno
import http.server
import os
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ganstyle.errors import WeightsError
from ganstyle.weights import VGG16_URL, download, find_inception, find_vgg16, vgg16, vgg16_cache
from ganstyle.weights.download import download_file
from tests.fork_server import ForkServer

Request = http.server.BaseHTTPRequestHandler
Answer = Callable[[Request], None]
Serve = Callable[[Answer], str]

CONTENT = bytes(range(256)) * 64
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vgg16, "_HASH_PREFIX", DIGEST[:8])


def start_of(request: Request) -> int:
    wanted = request.headers.get("Range")
    return int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0


def send(request: Request, content: bytes, length: int | None = None, *, status: int = 200) -> None:
    request.send_response(status)
    request.send_header("Content-Length", str(len(content) if length is None else length))
    request.end_headers()
    request.wfile.write(content)


def send_rest(request: Request, most: int = len(CONTENT)) -> None:
    """Send what was asked for, at most so many bytes of it, and hang up."""
    start = start_of(request)
    rest = CONTENT[start:]
    send(request, rest[:most], len(rest), status=206 if start else 200)


def refuse(request: Request) -> None:
    request.send_error(404)


def hang_up(request: Request) -> None:
    request.connection.close()


def talk_nonsense(request: Request) -> None:
    request.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")


def something_else(request: Request) -> None:
    send(request, b"<html>Please log in to the hotel's network.</html>")


def stall_before_the_first_byte(request: Request) -> None:
    time.sleep(1)


def stall_after_the_headers(request: Request) -> None:
    send(request, b"", len(CONTENT))
    time.sleep(1)


@pytest.fixture
def get(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that downloads from an address."""

    def act(url: str) -> Path:
        path = tmp_path / "cache" / "weights.pth"
        download_file("VGG-16", url, path, DIGEST, otherwise="get it elsewhere")
        return path

    return act


def left(path: Path) -> list[str]:
    """Return what lies beside a download, its lock aside."""
    return sorted(p.name for p in path.parent.glob("*") if p.suffix != ".lock")


@pytest.mark.usefixtures("known")
def test_auto_downloads_third(serve: Serve) -> None:
    serve(send_rest)
    found = find_vgg16()
    assert found.path == vgg16_cache()
    assert found.path.read_bytes() == CONTENT
    assert found.sha256 == DIGEST
    assert "downloaded" in found.reason
    assert left(found.path) == [found.path.name]


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(
    "answer",
    [refuse, hang_up, talk_nonsense, something_else, stall_before_the_first_byte, stall_after_the_headers],
)
def test_failed_download_is_one_line_and_leaves_nothing(
    serve: Serve, answer: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(answer)
    if answer in (stall_before_the_first_byte, stall_after_the_headers):
        monkeypatch.setattr(download, "_TIMEOUT", 0.3)
    with pytest.raises(WeightsError) as caught:
        find_vgg16("imagenet")
    message = str(caught.value)
    assert "\n" not in message
    assert "cannot be downloaded" in message
    assert VGG16_URL.rpartition("/")[2] in message
    assert "GANSTYLE_VGG16" in message
    assert "--vgg" in message
    assert left(vgg16_cache()) == []


def test_without_a_network_it_fails_at_once(
    get: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
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


def test_resumes_what_an_earlier_process_left(serve: Serve, get: Callable[[str], Path]) -> None:
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


def test_server_that_does_not_resume_starts_over(
    serve: Serve, get: Callable[[str], Path], tmp_path: Path
) -> None:
    part = tmp_path / "cache" / "weights.pth.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:100])
    assert get(serve(lambda request: send(request, CONTENT))).read_bytes() == CONTENT


@pytest.mark.parametrize("remains", [b"of something else", CONTENT + b"more"])
def test_remains_of_another_file_are_dropped(
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


def test_wrong_content_says_so(serve: Serve, get: Callable[[str], Path], tmp_path: Path) -> None:
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


# --- a home that cannot be written


@pytest.fixture(params=["a file in its place", "a folder that may not be entered", "no home"])
def unusable_home(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "no home":
        monkeypatch.setattr("torch.hub.get_dir", lambda: "~/.cache/torch/hub")
        monkeypatch.chdir(tmp_path)
        return
    home = tmp_path / "home"
    monkeypatch.setenv("TORCH_HOME", str(home / "torch"))
    if request.param == "a file in its place":
        home.write_text("")
        return
    stat, mkdir = Path.stat, Path.mkdir

    def forbidden_stat(self: Path, **options: Any) -> Any:
        if home in self.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return stat(self, **options)

    def forbidden_mkdir(self: Path, *arguments: Any, **options: Any) -> None:
        if home in self.parents:
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        mkdir(self, *arguments, **options)

    monkeypatch.setattr(Path, "stat", forbidden_stat)  # root may enter and write any real folder
    monkeypatch.setattr(Path, "mkdir", forbidden_mkdir)


@pytest.mark.usefixtures("unusable_home")
def test_unwritable_home_falls_back_to_the_shipped_vgg16(shipped: Path, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match=r"VGG-16 cannot be downloaded \(.*\); the distilled VGG-16"):
        assert find_vgg16().path == shipped
    assert not (tmp_path / "~").exists()


@pytest.mark.usefixtures("unusable_home")
def test_unwritable_home_is_one_line_where_nothing_else_would_do() -> None:
    with pytest.raises(WeightsError, match="VGG-16 cannot be downloaded"):
        find_vgg16("imagenet")
    with pytest.raises(WeightsError, match="Inception cannot be downloaded"):
        find_inception()
