"""Nothing is fetched from anywhere, whoever asks."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Gradio serves ``file=https://…`` and ``proxy=https://…`` by fetching the address.
_ELSEWHERE = re.compile(r"/(?:proxy=|file[=/][a-z][a-z0-9+.-]*:)", re.IGNORECASE)


class NoFetching:
    """ASGI middleware that refuses requests which would have the server fetch something.

    Args:
        app: what answers all others.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403, or pass on."""
        if scope["type"] == "http" and _ELSEWHERE.search(scope["path"]):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"nothing is fetched from elsewhere"})
        else:
            await self._app(scope, receive, send)
