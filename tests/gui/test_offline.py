from typing import Any

import pytest

from ganstyle.gui.offline import NoFetching


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
def test_addresses(path: str) -> None:
    assert ask(path) == 403


@pytest.mark.parametrize("path", ["/", "/gradio_api/file=/tmp/a/x.png", "/gradio_api/upload", "/config"])
def test_everything_else(path: str) -> None:
    assert ask(path) == 200
