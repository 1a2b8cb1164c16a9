"""Besiege the GUI: many visitors at once, good and bad, slow ones, and ones that leave.

    python -m tests.chaos.siege --clients 50 --seconds 120

Each visitor does one random thing after the other. Every one of them must end in a picture or in one clear
line. Afterwards the server must have as many threads as before, no file of a visitor, and its memory back.
"""

import argparse
import random
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import torch

from ganstyle.images import decode_image, encode_png
from tests.gui.conftest import CONTROLS, Client, Served, run_gui

STRAY_PATHS = (
    "/etc/passwd",
    "../../etc/passwd",
    "%2Fetc%2Fpasswd",
    "..%2f..%2fetc%2fpasswd",
    "~/.ssh/id_rsa",
    __file__,
)
PREFIXES = (
    "gradio_api/file=",
    "gradio_api/file/",
    "file=",
    "gradio_api/proxy=",
    "assets/",
    "static/",
    "svelte/",
)
_PATIENCE = 300  # seconds that a visitor waits in the queue
_UNCLAIMED = 70  # seconds; after 60, uploads that nobody uses are removed
MEMORY = 100e6
"""Bytes that the memory may stay above its level before the last round."""
_ROUNDS = 3


def picture(seed: int, side: int = 32) -> bytes:
    """Return a PNG file."""
    return encode_png(torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(seed)))


def one_line(error: str | None) -> str:
    """Return the outcome of a job that has failed."""
    assert error, "a job ends with neither a picture nor a line"
    assert len(error.splitlines()) == 1, error
    assert "Traceback" not in error, error
    assert "/tmp" not in error, error
    return "line"


def paint(client: Client, content: bytes, name: str = "x.png") -> str:
    """Upload a photo and stylize it; return ``picture``, ``line`` or ``full``."""
    answer = client.join("stylize", client.upload(name, content), "starry_night", *CONTROLS)
    if answer.status_code == 429:
        assert answer.json()["detail"].startswith("The queue is full")
        return "full"
    values, error = client.wait(_PATIENCE)
    if error is not None:
        return one_line(error)
    decode_image(client.fetch(values[1]["value"]), "result")
    return "picture"


def good(client: Client, rng: random.Random) -> str:
    """Stylize a photo."""
    return paint(client, picture(rng.randrange(100)))


def bad(client: Client, rng: random.Random) -> str:
    """Send something that is no photo, or a damaged one."""
    content = bytearray(picture(0))
    del content[rng.randrange(len(content)) :]
    files = [b"", rng.randbytes(500), b"<svg onload='alert(1)'/>", bytes(content)]
    return paint(
        client, rng.choice(files), rng.choice(["x.png", "../../x.jpg", "a\0b.png", "\n.gif", "x" * 300])
    )


def climb(client: Client, rng: random.Random) -> str:
    """Ask for files elsewhere, by address and as a job's input."""
    path = rng.choice(STRAY_PATHS)
    answer = client.http.get(rng.choice(PREFIXES) + path)
    assert answer.status_code in (400, 403, 404, 405, 422), (path, answer.status_code)
    assert b"root:" not in answer.content
    sent = {"path": path, "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    assert client.join("stylize", sent, "starry_night", *CONTROLS).status_code in (200, 429)
    return "refused"


def forge(client: Client, rng: random.Random) -> str:
    """Send what a page of another site would."""
    files = {"files": ("x.png", picture(0), "image/png")}
    answer = client.http.post("gradio_api/upload", files=files, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    assert client.http.get("config", headers={"Host": "evil.example"}).status_code == 403
    return "refused"


def leave(client: Client, rng: random.Random) -> str:
    """Start a job and close the tab."""
    with client.http.stream("GET", f"gradio_api/heartbeat/{client.session}") as alive:
        lines = alive.iter_lines()
        next(lines)
        sent = client.upload("x.png", picture(rng.randrange(100), 256))
        client.join("optimize", sent, sent, "lbfgs", 500, 256, 30, "off")
        time.sleep(rng.random())
    return "left"


def dawdle(client: Client, rng: random.Random) -> str:
    """Upload byte by byte, and hang up before the end."""
    where = urlsplit(str(client.http.base_url))
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {where.netloc}\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\n'
    )
    with socket.create_connection((where.hostname, where.port), timeout=30) as connection:
        connection.sendall(head.encode())
        for _ in range(rng.randrange(30)):
            connection.sendall(rng.randbytes(1))
            time.sleep(0.1)
    return "left"


VISITS: list[Callable[[Client, random.Random], str]] = [
    good,
    good,
    good,
    bad,
    bad,
    climb,
    forge,
    leave,
    dawdle,
]


def visit(address: str, name: str, until: float, tally: Counter[str]) -> None:
    """Come again and again, each time as another visitor, until a time."""
    rng, times = random.Random(name), 0
    while time.monotonic() < until:
        times += 1
        # Browsers repeat a request whose idle connection the server has just closed; this client does not.
        fresh = httpx.Limits(max_keepalive_connections=0)
        client = Client(address, f"visitor-{name}-{times}", limits=fresh)
        what, began = rng.choice(VISITS), time.monotonic()
        try:
            outcome = what(client, rng)
            if what in (good, bad, climb):
                client.leave()
        except (AssertionError, httpx.HTTPError, OSError) as problem:
            outcome = f"FAILED {what.__name__}: {type(problem).__name__} {problem}"[:300]
        finally:
            client.http.close()
        tally[outcome] += 1
        tally["longest"] = max(tally["longest"], round(time.monotonic() - began))


def files_of(served: Served) -> list[Path]:
    """Return visitors' files that should be gone: all results, and uploads that nobody has used for long."""
    before, found = time.time() - _UNCLAIMED, []
    for path in served.paths():
        with suppress(FileNotFoundError):
            result = any(part.startswith("session-") for part in path.parts)
            if path.is_file() and path.name != ".lock" and (result or path.stat().st_mtime < before):
                found.append(path)
    return found


def besiege(served: Served, clients: int, seconds: float, rest: float = 0) -> tuple[Counter[str], str]:
    """Let visitors come at once; return what became of them, and what the server looks like afterwards.

    Args:
        served: the interface.
        clients: how many come at once.
        seconds: for how long they come again.
        rest: seconds to wait before the server is looked at.

    Raises:
        AssertionError: it keeps threads, files or memory.
    """
    server, tally = psutil.Process(served.process.pid), Counter[str]()
    crowd(served, clients, min(seconds / 2, 20), Counter())
    settle(served, lambda: not files_of(served))
    memory, threads = server.memory_info().rss, server.num_threads()

    def is_back() -> bool:
        return bool(server.memory_info().rss <= memory + MEMORY)

    # Visitors of the first rounds may pay for what is kept for good; a leak grows in every round.
    for _ in range(_ROUNDS):
        memory = server.memory_info().rss
        crowd(served, clients, seconds, tally)
        time.sleep(rest)
        settle(served, lambda: not files_of(served), lambda: server.num_threads() <= threads + 2)
        settle(served, is_back, timeout=30)
        if is_back():
            break
    left = files_of(served)
    state = (
        f"threads {threads} -> {server.num_threads()}, memory {memory / 1e6:.0f} -> "
        f"{server.memory_info().rss / 1e6:.0f} MB, at most {peak(server) / 1e6:.0f} MB, "
        f"files left {len(left)}"
    )
    assert not left, (state, left[:5])
    assert server.num_threads() <= threads + 2, state
    assert is_back(), state
    return tally, state


def peak(process: psutil.Process) -> int:
    """Return the most memory that a process has had, in bytes (Linux)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


def crowd(served: Served, clients: int, seconds: float, tally: Counter[str]) -> None:
    """Let visitors come at once for a time."""
    began = time.monotonic()
    with ThreadPoolExecutor(clients) as pool:
        names = [f"{began}-{number}" for number in range(clients)]
        list(pool.map(lambda name: visit(served.address, name, began + seconds, tally), names))


def settle(served: Served, *conditions: Callable[[], bool], timeout: float = 90) -> None:
    """Wait until all hold; uploads that nobody claims go with a later visitor, so one comes now and then."""
    deadline = time.monotonic() + timeout
    while not all(condition() for condition in conditions) and time.monotonic() < deadline:
        last = Client(served.address, f"last-{time.monotonic()}")
        last.leave()
        last.http.close()
        time.sleep(1)


def main() -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=120)
    given = parser.parse_args()
    # Shells let what runs in the background ignore Ctrl-C, and the server would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder, run_gui(Path(folder)) as served:
        tally, state = besiege(served, given.clients, given.seconds, rest=_UNCLAIMED)
        complaints = served.errors.read_text()
        print(f"longest visit {tally.pop('longest', 0)} s")
        for outcome, count in tally.most_common():
            print(f"{count:5d} {outcome}")
        print(state)
        print(complaints[-3000:], end="", flush=True)
    # Gradio logs each file that was asked for and not uploaded.
    unexplained = complaints.count("Traceback") - complaints.count("gradio.exceptions.InvalidPathError")
    sys.exit(any(outcome.startswith("FAILED") for outcome in tally) or bool(unexplained))


if __name__ == "__main__":
    main()
