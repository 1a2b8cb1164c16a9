"""What the web server refuses before Gradio sees it: foreign pages, guessed passwords, addresses to fetch."""

import asyncio
import errno
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from ganstyle.gui.server import is_loopback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# Gradio serves ``file=https://…`` and ``proxy=https://…`` by fetching the address.
_REMOTE = re.compile(r"/(?:proxy=|file[=/][a-z][a-z0-9+.-]*:)", re.IGNORECASE)
_SAFE = ("GET", "HEAD", "OPTIONS")

_FREE_ATTEMPTS = 5  # wrong passwords in a row before it gets slow
_LONGEST_DELAY = 30.0  # seconds
_MOST_WAITING = 4  # attempts of one address at once
_MOST_ADDRESSES = 1000


class NoFetching:
    """ASGI middleware that refuses requests which would make the server fetch something.

    Args:
        app: answers all other requests.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403, or pass the request on."""
        if scope["type"] == "http" and _REMOTE.search(scope["path"]):
            await PlainTextResponse("this server fetches nothing", 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class SameOrigin:
    """ASGI middleware that lets only ganstyle's own page, and programs, change anything.

    A page of another site can make a visitor's browser send forms here, with the visitor's cookies: uploads,
    jobs, logins. Browsers say which page a request comes from; programs send no such header.

    Args:
        app: answers all other requests.
        local: the server is only for this machine's browsers: refuse names that are not this machine's. A
            foreign site could otherwise point its own name at 127.0.0.1, and be the same origin.
        root_path: the address that a reverse proxy serves it at, if it is a whole one.
    """

    def __init__(self, app: App, *, local: bool = False, root_path: str = "") -> None:
        self._app = app
        self._local = local
        self._public = urlsplit(root_path).netloc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403, or pass the request on."""
        problem = self._problem(scope) if scope["type"] == "http" else ""
        if problem:
            await JSONResponse({"detail": problem}, 403)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _problem(self, scope: Scope) -> str:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._local and not is_loopback(urlsplit(f"//{host}").hostname or "localhost"):
            return (
                "This server is for this machine only; open it as http://127.0.0.1, or start it with --host."
            )
        if scope["method"] in _SAFE or self._is_own(headers, host):
            return ""
        return "A page of another site sent this; open ganstyle's own page."

    def _is_own(self, headers: Headers, host: str) -> bool:
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:  # what the browser itself found; pages cannot set it
            return site in ("same-origin", "none")
        hosts = {host, headers.get("x-forwarded-host", host), self._public}
        return origin is None or urlsplit(origin).netloc in hosts - {""}


@dataclass
class _Attempts:
    """One address's logins.

    Attributes:
        wrong: passwords in a row.
        waiting: attempts that have not been answered.
        turn: held by the one that is being answered.
    """

    wrong: int = 0
    waiting: int = 0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class SlowLogin:
    """ASGI middleware that slows down guessing the password.

    After five wrong passwords in a row, an address waits for the answer to each further one: 1 s, 2 s, 4 s,
    up to 30 s, one at a time. The right one is accepted after the same wait and ends it.

    Args:
        app: answers the requests; a wrong password with 400.
        sleep: waits for so many seconds.
    """

    def __init__(self, app: App, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._app = app
        self._sleep = sleep
        self._attempts: OrderedDict[str, _Attempts] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, a login after a wait; answer with 429 if too many of them wait."""
        login = scope["type"] == "http" and scope["method"] == "POST"
        if not (login and scope["path"].rstrip("/").endswith("/login")):
            await self._app(scope, receive, send)
            return
        mine = self._of((scope.get("client") or ("",))[0])
        if mine.waiting >= _MOST_WAITING:
            answer = JSONResponse({"detail": "Too many logins at once; wait a minute."}, 429)
            await answer(scope, receive, send)
            return

        async def count(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                mine.wrong = mine.wrong + 1 if message["status"] >= 400 else 0
            await send(message)

        mine.waiting += 1
        try:
            async with mine.turn:
                excess = mine.wrong - _FREE_ATTEMPTS
                if excess >= 0:
                    await self._sleep(min(2.0 ** min(excess, 10), _LONGEST_DELAY))
                await self._app(scope, receive, count)
        finally:
            mine.waiting -= 1

    def _of(self, address: str) -> _Attempts:
        mine = self._attempts.setdefault(address, _Attempts())
        self._attempts.move_to_end(address)
        if len(self._attempts) > _MOST_ADDRESSES:
            self._attempts.popitem(last=False)
        return mine


def disk_full_response(request: Request, error: OSError) -> PlainTextResponse:
    """Answer an upload that the disk has no room for; the page shows the text."""
    if error.errno not in (errno.ENOSPC, errno.EDQUOT):
        raise error
    return PlainTextResponse("The server's disk is full; try again later.", 507)


def left_response(request: Request, error: ClientDisconnect) -> Response:
    """Answer an upload that its visitor has broken off: nobody reads it, and nothing is wrong here."""
    return Response(status_code=400)
