"""The application: its tabs, its queue, its theme, and what its web server refuses."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ganstyle.data.folder import list_images, nothing_readable
from ganstyle.devices import pick_device
from ganstyle.gui.api import PublicApi
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.compare import CompareTab
from ganstyle.gui.context import AppContext
from ganstyle.gui.events import LIGHT_EVENT
from ganstyle.gui.optimize import OptimizeTab
from ganstyle.gui.runs import RunsTab
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.settings import Settings
from ganstyle.gui.stylize import StylizeTab
from ganstyle.gui.train import TrainTab
from ganstyle.runs.background import Trainer
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.weights import find_vgg16

MAX_QUEUE = 12
"""Jobs that may wait for their turn; whoever comes then is told that the queue is full."""

QUEUE_FULL = f"The queue is full: {MAX_QUEUE} jobs are waiting. Try again in a minute."

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Gradio serves ``file=https://…`` and ``proxy=https://…`` by fetching the address.
_REMOTE = re.compile(r"/(?:proxy=|file[=/][a-z][a-z0-9+.-]*:)", re.IGNORECASE)

STYLE_SHEET = Path(__file__).with_name("style.css")
SCRIPT = Path(__file__).with_name("page.js")
"""A function that the page calls once it is loaded."""

_HOUR = 3600  # seconds
_SESSION_TIMEOUT = 12 * _HOUR

_HEADER = '<header class="masthead"><h1>ganstyle</h1><p>Turn photos into paintings.</p></header>'


def build(settings: Settings, folder: Path) -> tuple[gr.Blocks, AppContext]:
    """Build the application.

    Args:
        settings: what the command line decides.
        folder: for all temporary files; the caller removes it.

    Returns:
        The application, not yet served, and what its tabs share.

    Raises:
        GanstyleError: a folder, a style, a device or the network's weights are missing.
    """
    device, vgg = pick_device(settings.device), find_vgg16(settings.vgg, download=False)
    photos = list_images(settings.photos).images if settings.photos else []
    if settings.photos and not photos:
        raise nothing_readable(settings.photos, [])
    context = AppContext(
        styles=StyleCatalog(settings.styles, device, settings.runs if settings.train else None),
        sessions=Sessions(folder, _SESSION_TIMEOUT),
        vgg=vgg,
        device=device,
        runs=settings.runs,
        tensorboard=TensorBoard(settings.runs, folder),
        trainer=Trainer(device, vgg) if settings.train else None,
        photos=settings.photos,
        photo_count=len(photos),
        local=settings.local,
    )
    # A visitor's files are removed when the visit ends; those of clients that never say so, after half a day.
    with gr.Blocks(
        title="ganstyle", analytics_enabled=False, delete_cache=(_HOUR, _SESSION_TIMEOUT)
    ) as blocks:
        gr.HTML(_HEADER)
        with gr.Tabs() as tabs:
            with gr.Tab("Stylize", id="stylize") as stylize:
                chosen = [StylizeTab(context).style]
            with gr.Tab("Optimize", id="optimize") as optimize:
                OptimizeTab(context)
            with gr.Tab("Compare", id="compare") as compare:
                chosen.append(CompareTab(context).style)
            with gr.Tab("Train", id="train") as train:
                TrainTab(context, train)
            with gr.Tab("Runs", id="runs") as runs:
                RunsTab(context, runs)
        PublicApi(context)

        def refresh() -> list[str]:
            """Look for styles that have been trained meanwhile, and return all keys."""
            keys = context.styles.refresh()
            for each in chosen:
                each.choices = [(key, key) for key in keys]  # also for links, and for pages opened later
            return keys

        def offer(request: gr.Request) -> list[Any]:
            keys, mine = refresh(), context.styles.choices(str(request.session_hash))
            return [gr.update(choices=mine), gr.update(choices=keys)]

        context.links.connect(blocks, tabs, [stylize, optimize, compare, train, runs], refresh)
        if context.trainer:
            gr.on([blocks.load, stylize.select, compare.select], offer, None, chosen, **LIGHT_EVENT)

        def leave(request: gr.Request) -> None:
            context.sessions.close(str(request.session_hash))
            context.styles.forget(str(request.session_hash))

        blocks.unload(leave)
    blocks.queue(max_size=MAX_QUEUE, default_concurrency_limit=None, api_open=False)
    return blocks, context


def theme() -> gr.themes.Base:
    """Return the theme, light and dark: one color besides gray, and system fonts, so that none is fetched."""
    blue = gr.themes.Color(
        name="ink",
        c50="#eef5fc",
        c100="#d7e8f8",
        c200="#b0d1f1",
        c300="#7db8ee",
        c400="#4799df",
        c500="#1f78c6",
        c600="#0b57a4",
        c700="#0a4a8b",
        c800="#0c3d70",
        c900="#0d335c",
        c950="#08213d",
    )
    return gr.themes.Base(
        primary_hue=blue,
        secondary_hue=blue,
        neutral_hue="zinc",
        radius_size="md",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_500",
        button_primary_text_color="white",
        block_label_text_weight="500",
        block_title_text_weight="500",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_400",
        slider_color="*primary_600",
        slider_color_dark="*primary_400",
    )


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
