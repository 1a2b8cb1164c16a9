import asyncio
import errno
from typing import Any

import pytest
from starlette.requests import Request

from ganstyle.gui.middleware import App, NoFetching, SameOrigin, SlowLogin, disk_full_response
from tests.gui.coroutines import run


def answering(status: int = 200) -> App:
    """Return an application that answers everything with a status."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    return answer


async def ask(app: App, path: str = "/", method: str = "GET", client: str = "1.2.3.4", **headers: str) -> int:
    """Return the status of an application's answer."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    named = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "path": path, "method": method, "headers": named, "client": (client, 1)}
    await app(scope, receive, send)
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
    assert run(ask(NoFetching(answering()), path)) == 403


@pytest.mark.parametrize("path", ["/", "/gradio_api/file=/tmp/a/x.png", "/gradio_api/upload", "/config"])
def test_other_requests_pass(path: str) -> None:
    assert run(ask(NoFetching(answering()), path)) == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),  # a program
        ({"origin": "http://me:7860"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://me:8000"}, 403),  # another server on the same machine
        ({"origin": "null"}, 403),  # a sandboxed frame
        ({"origin": "http://me:7860", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "https://proxy.example", "sec_fetch_site": "same-origin"}, 200),
        ({"origin": "https://proxy.example", "x_forwarded_host": "proxy.example"}, 200),
        ({"origin": "http://me:7860", "sec_fetch_site": "cross-site"}, 403),
        ({"sec_fetch_site": "same-site"}, 403),
    ],
)
def test_foreign_pages_change_nothing(headers: dict[str, str], status: int) -> None:
    app = SameOrigin(answering())
    assert run(ask(app, "/gradio_api/upload", "POST", host="me:7860", **headers)) == status
    assert run(ask(app, "/", "GET", host="me:7860", **headers)) == 200  # links may lead here


def test_page_behind_a_proxy_that_hides_its_name() -> None:
    headers = {"host": "127.0.0.1:7860", "origin": "https://example.org"}
    assert run(ask(SameOrigin(answering(), root_path="https://example.org/a"), "/", "POST", **headers)) == 200
    assert run(ask(SameOrigin(answering(), root_path="/a"), "/", "POST", **headers)) == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost:7860", 200),
        ("[::1]:7860", 200),
        ("evil.example:7860", 403),
        ("localhost.evil.example", 403),
        ("192.168.0.2:7860", 403),
    ],
)
def test_foreign_names_of_a_local_server(host: str, status: int) -> None:
    assert run(ask(SameOrigin(answering(), local=True), host=host)) == status
    assert run(ask(SameOrigin(answering()), host=host)) == 200


def test_guessing_passwords_gets_slow() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def guess() -> None:
        wrong = SlowLogin(answering(400), sleep)
        for _ in range(12):
            assert await ask(wrong, "/login", "POST") == 400
        assert waits == [1, 2, 4, 8, 16, 30, 30]
        assert await ask(wrong, "/login/", "POST", client="5.6.7.8") == 400  # another address
        assert await ask(wrong, "/login", "GET") == 400
        assert len(waits) == 7

    run(guess())


def test_right_password_resets_the_delay() -> None:
    statuses, waits = iter([400] * 6 + [200] * 2), []

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        await answering(next(statuses))(scope, receive, send)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def guess() -> None:
        app = SlowLogin(answer, sleep)
        for _ in range(8):
            await ask(app, "/ganstyle/login", "POST")

    run(guess())
    assert waits == [1, 2]


def test_many_guesses_at_once_are_refused() -> None:
    async def guess() -> list[int]:
        let_go = asyncio.Event()

        async def sleep(seconds: float) -> None:
            await let_go.wait()

        app = SlowLogin(answering(400), sleep)
        for _ in range(5):
            await ask(app, "/login", "POST")
        many = [asyncio.create_task(ask(app, "/login", "POST")) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        let_go.set()
        return sorted(await asyncio.gather(*many))

    assert run(guess()) == [400] * 4 + [429] * 46


def test_table_of_addresses_is_bounded() -> None:
    async def guess() -> None:
        app = SlowLogin(answering(400))
        for number in range(1100):
            await ask(app, "/login", "POST", client=str(number))
        assert len(app._attempts) == 1000

    run(guess())


def test_disk_full_response() -> None:
    answer = disk_full_response(Request({"type": "http"}), OSError(errno.ENOSPC, "No space left on device"))
    assert (answer.status_code, bytes(answer.body)) == (507, b"The server's disk is full; try again later.")
    with pytest.raises(OSError, match="other"):
        disk_full_response(Request({"type": "http"}), OSError(errno.EIO, "other"))
