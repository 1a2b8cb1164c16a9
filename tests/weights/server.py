"""A server of weights on this machine, and the answers that it may give."""

import http.server
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

Request = http.server.BaseHTTPRequestHandler
Answer = Callable[[Request], None]
Serve = Callable[[Answer], str]

CONTENT = bytes(range(256)) * 64
DIGEST = sha256(CONTENT).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Gives one and the same answer to everything."""

    daemon_threads = True

    def __init__(self, answer: Answer) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, *_: Any) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    def handle_error(self, *_: Any) -> None:
        pass  # a client that hangs up early is part of the play


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


def left(path: Path) -> list[str]:
    """Return what lies beside a download, its lock aside."""
    return sorted(p.name for p in path.parent.glob("*") if p.suffix != ".lock")
