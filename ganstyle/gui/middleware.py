"""What the web server refuses: to fetch anything from other machines, and jobs when the queue is full."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

MAX_QUEUE = 12
"""Jobs that may wait for their turn; whoever comes then is told that the queue is full."""

QUEUE_FULL = f"The queue is full: {MAX_QUEUE} jobs are waiting. Try again in a minute."

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Gradio serves ``file=https://…`` and ``proxy=https://…`` by fetching the address.
_REMOTE = re.compile(r"/(?:proxy=|file[=/][a-z][a-z0-9+.-]*:)", re.IGNORECASE)


class NoFetching:
    """ASGI middleware that refuses requests which would make the server fetch something.

    Args:
        app: answers all other requests.
    """

    def __init__(self, app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with 403, or pass the request on."""
        if scope["type"] == "http" and _REMOTE.search(scope["path"]):
            await send({"type": "http.response.start", "status": 403, "headers": []})
            await send({"type": "http.response.body", "body": b"this server fetches nothing"})
        else:
            await self._app(scope, receive, send)


def queue_full_response(request: Request, error: HTTPException) -> JSONResponse:
    """Answer in place of Gradio when its queue is full, which it reports as status 503.

    Gradio's page shows a fixed sentence for status 503, and the server's text for any other one.
    """
    if error.detail.startswith("Queue is full"):
        return JSONResponse({"detail": QUEUE_FULL}, 429)
    return JSONResponse({"detail": error.detail}, error.status_code)
