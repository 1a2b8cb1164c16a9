"""The queue's limit, and the words for whoever comes when it is reached."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

QUEUE = 12
"""Jobs that may wait for their turn; who comes then is told that the queue is full."""

FULL = f"the queue is full: {QUEUE} jobs wait; try again in a minute"


def say_full(request: Request, error: HTTPException) -> JSONResponse:
    """Answer in place of Gradio that a service is unavailable, which its queue says when it is full.

    Gradio's page has a sentence of its own for status 503, and shows what comes with any other one.
    """
    if error.detail.startswith("Queue is full"):
        return JSONResponse({"detail": FULL}, 429)
    return JSONResponse({"detail": error.detail}, error.status_code)
