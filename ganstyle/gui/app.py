"""The application: its tabs, its public endpoints, its queue and its theme.

Programs can call the endpoints with `gradio_client` or by plain HTTP; everything else is private:

```python
from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
styles = client.predict(api_name="/list_styles")
file = client.predict(handle_file("me.jpg"), "starry_night", strength=0.7, api_name="/stylize_photo")
file = client.predict(handle_file("me.jpg"), handle_file("p.jpg"), api_name="/stylize_like_painting")
```
"""

from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ganstyle.data.folder import list_images, nothing_readable
from ganstyle.devices import pick_device
from ganstyle.errors import GanstyleError
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.compare import CompareTab
from ganstyle.gui.components import HEAVY_LANE, LIGHT_EVENT, menu_update, with_toasts
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import PhotoInput, Upload
from ganstyle.gui.optimize import OptimizeTab
from ganstyle.gui.runs import RunsTab
from ganstyle.gui.server import Settings
from ganstyle.gui.sessions import Sessions, exclusive, stoppable
from ganstyle.gui.stylize import StylizeTab
from ganstyle.gui.train import TrainTab
from ganstyle.gui.uploads import queued_uploads
from ganstyle.images import write_image
from ganstyle.models import MAX_STRENGTH
from ganstyle.runs.background import Trainer
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.style import Style, style_from
from ganstyle.stylize import MAX_STROKE_SIZE, PLAIN, Controls, result_name
from ganstyle.weights import find_vgg16

MAX_QUEUE = 12
"""Jobs that may wait for their turn; whoever comes then is told that the queue is full."""

QUEUE_FULL = f"The queue is full: {MAX_QUEUE} jobs are waiting. Try again in a minute."

ENDPOINTS = ("list_styles", "stylize_photo", "stylize_like_painting")
"""Names of the public endpoints."""

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
    styles = StyleCatalog(settings.styles, device, settings.runs if settings.train else None)
    # A visitor's files are removed when the visit ends; those of clients that never say so, after half a day.
    blocks = gr.Blocks(title="ganstyle", analytics_enabled=False, delete_cache=(_HOUR, _SESSION_TIMEOUT))
    context = AppContext(
        styles=styles,
        sessions=Sessions(
            folder, _SESSION_TIMEOUT, at_close=styles.forget, queued=partial(queued_uploads, blocks)
        ),
        vgg=vgg,
        device=device,
        runs=settings.runs,
        tensorboard=TensorBoard(settings.runs, folder),
        refiner=Trainer(device, vgg),
        trainer=Trainer(device, vgg) if settings.train else None,
        photos=settings.photos,
        photo_count=len(photos),
        local=settings.local,
    )
    with blocks:
        gr.HTML(_HEADER)
        with gr.Tabs() as tabs:
            with gr.Tab("Stylize", id="stylize") as stylize:
                painter = StylizeTab(context)
            with gr.Tab("Optimize", id="optimize") as optimize:
                OptimizeTab(context)
            with gr.Tab("Compare", id="compare") as compare:
                menus = [painter.style, CompareTab(context).style, *painter.other_styles]
            with gr.Tab("Train", id="train") as train:
                TrainTab(context, train)
            with gr.Tab("Runs", id="runs") as runs:
                RunsTab(context, runs)
        PublicApi(context)

        def refresh() -> list[str]:
            """Look for styles that have come or gone meanwhile, and return all keys."""
            keys = styles.refresh()
            for each in menus:
                each.choices = [(key, key) for key in keys]  # also for links, and for pages opened later
            return keys

        def offer(request: gr.Request, *values: Any) -> list[Any]:
            shared = [(key, key) for key in refresh()]
            mine = styles.choices(str(request.session_hash))
            return [
                menu_update(menu, mine if menu is painter.style else shared, value)
                for menu, value in zip(menus, values, strict=True)
            ]

        context.links.connect(blocks, tabs, [stylize, optimize, compare, train, runs], refresh)
        # Without preprocessing, which would refuse a style that is gone before its menu says so.
        moments = [blocks.load, stylize.select, compare.select]
        gr.on(moments, offer, menus, menus, preprocess=False, **LIGHT_EVENT)

        async def leave(request: gr.Request) -> None:
            # Gradio forgets what waits in its queue only if the page was listening for it.
            await blocks._queue.clean_events(session_hash=request.session_hash)
            context.sessions.close(str(request.session_hash))
            # Gradio would keep what it knows of this session, some 200 kB, until there are many others.
            blocks.state_holder.session_data.pop(str(request.session_hash), None)

        blocks.unload(leave)
    blocks.queue(max_size=MAX_QUEUE, default_concurrency_limit=None, api_open=False)
    return blocks, context


def theme() -> gr.themes.Base:
    """Return the theme, light and dark: one color besides gray, and system fonts, so that none is fetched."""
    shades = "#eef5fc #d7e8f8 #b0d1f1 #7db8ee #4799df #1f78c6 #0b57a4 #0a4a8b #0c3d70 #0d335c #08213d ink"
    blue = gr.themes.Color(*shades.split())
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


def queue_full_response(request: Request, error: HTTPException) -> JSONResponse:
    """Answer in place of Gradio when its queue is full, which it reports as status 503.

    Gradio's page shows a fixed sentence for status 503, and the server's text for any other one.
    """
    if error.detail.startswith("Queue is full"):
        return JSONResponse({"detail": QUEUE_FULL}, 429)
    return JSONResponse({"detail": error.detail}, error.status_code)


class PublicApi:
    """Builds the endpoints in the current Gradio context; nothing of it is visible in the page.

    Args:
        context: what all tabs share.
    """

    def __init__(self, context: AppContext) -> None:
        self._context = context
        styles = gr.JSON(visible=False, label="Names of the styles")
        photo = PhotoInput(visible=False, label="Photo to stylize")
        # No choices: Gradio describes the endpoints in its login page, to visitors without the password too.
        style = gr.Textbox(visible=False, label="Name of the style; list_styles returns all")
        painting = PhotoInput(visible=False, label="Painting whose style is taken")
        strength = gr.Slider(
            0,
            MAX_STRENGTH,
            value=PLAIN.strength,
            visible=False,
            label="Strength; 0 is the photo, 1 as trained",
        )
        keep = gr.Checkbox(PLAIN.preserve_color, visible=False, label="Whether to keep the photo's colors")
        stroke_size = gr.Slider(
            0,
            MAX_STROKE_SIZE,
            value=PLAIN.stroke_size,
            visible=False,
            label="Stroke size; 1 as in the painting, 0 as fine as possible",
        )
        result = gr.File(visible=False, label="The stylized photo, at full size and under its own name")
        trigger: dict[str, Any] = {"api_visibility": "public", "show_progress": "hidden"}
        gr.Button(visible=False).click(
            self.list_styles, None, styles, api_name="list_styles", queue=False, **trigger
        )
        for function, source in ((self.stylize_photo, style), (self.stylize_like_painting, painting)):
            gr.Button(visible=False).click(
                with_toasts(function),
                [photo, source, strength, keep, stroke_size],
                result,
                api_name=function.__name__,
                concurrency_id=HEAVY_LANE,
                concurrency_limit=1,
                **trigger,
            )

    def list_styles(self) -> list[str]:
        """Return the names of all styles that can be chosen."""
        return self._context.styles.keys

    def stylize_photo(
        self,
        photo: Upload | None,
        style: str,
        strength: float,
        keep_colors: bool,
        stroke_size: float,
        request: gr.Request,
    ) -> str:
        """Stylize a photo at full size and return the file; waits in the queue for other jobs."""
        controls = Controls(strength, keep_colors, stroke_size=stroke_size)
        return self._stylize(photo, style, controls, request)

    def stylize_like_painting(
        self,
        photo: Upload | None,
        painting: Upload | None,
        strength: float,
        keep_colors: bool,
        stroke_size: float,
        request: gr.Request,
    ) -> str:
        """Stylize a photo in the style of any painting, if the generator for it is at hand."""
        if painting is None:
            raise GanstyleError("Send a painting.")
        controls = Controls(strength, keep_colors, stroke_size=stroke_size)
        return self._stylize(photo, painting, controls, request)

    def _stylize(
        self, photo: Upload | None, source: str | Upload, controls: Controls, request: gr.Request
    ) -> str:
        if photo is None:
            raise GanstyleError("Send a photo.")
        session, sessions = str(request.session_hash), self._context.sessions
        uploads = [each.path for each in (photo, source) if isinstance(each, Upload)]
        with sessions.job(session, "api") as stop:
            sessions.claim(session, *uploads)  # from here on they end with the session, not with this job
            with exclusive(stop):
                target = sessions.new_folder(session) / result_name(Path(photo.name))
                style = self._style(source)
                with stoppable(style.generator, stop):
                    result = style.paint(photo.read(), controls)
                write_image(result, target)
        return str(target)

    def _style(self, source: str | Upload) -> Style:
        """Return the style of this name, or of this painting."""
        if not isinstance(source, Upload):
            return self._context.styles[source]
        style = style_from(source.read())
        style.generator.to(self._context.device)
        return style
