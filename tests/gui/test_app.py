import json
from typing import Any

import pytest
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ganstyle.gui.app import QUEUE_FULL, NoFetching, queue_full_response


def ask(path: str) -> int:
    """Return the status of the answer."""
    sent: list[Any] = []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    # Nothing here waits for anything, and Playwright has an event loop running: it is driven by hand.
    with pytest.raises(StopIteration):
        NoFetching(answer)({"type": "http", "path": path}, receive, send).send(None)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=https://example.org/x.png",
        "/gradio_api/file=HTTP://example.org",
        "/gradio_api/file/ftp://example.org",
        "/gradio_api/proxy=https://example.org/x",
        "/file=data:text/html,x",
    ],
)
def test_remote_addresses_are_refused(path: str) -> None:
    assert ask(path) == 403


@pytest.mark.parametrize("path", ["/", "/gradio_api/file=/tmp/a/x.png", "/gradio_api/upload", "/config"])
def test_other_requests_pass(path: str) -> None:
    assert ask(path) == 200


@pytest.mark.parametrize(
    ("said", "status", "answer"),
    [
        ("Queue is full. Max size is 12 and size is 12.", 429, QUEUE_FULL),
        ("Queue is stopped.", 503, "Queue is stopped."),
    ],
)
def test_queue_full_response(said: str, status: int, answer: str) -> None:
    got = queue_full_response(Request({"type": "http"}), HTTPException(503, said))
    assert got.status_code == status
    assert json.loads(bytes(got.body)) == {"detail": answer}
