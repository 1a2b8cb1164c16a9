"""The programming interface: what `gradio_client` and plain HTTP can call. Everything else is private.

```python
from gradio_client import Client, handle_file

client = Client("http://127.0.0.1:7860")
styles = client.predict(api_name="/list_styles")
file = client.predict(handle_file("me.jpg"), "starry_night", strength=0.7, api_name="/stylize_photo")
file = client.predict(handle_file("me.jpg"), handle_file("p.jpg"), api_name="/stylize_like_painting")
```
"""

from pathlib import Path
from typing import Any

import gradio as gr

from ganstyle.errors import GanstyleError
from ganstyle.gui.context import AppContext
from ganstyle.gui.events import HEAVY_LANE, with_toasts
from ganstyle.gui.inputs import PhotoInput, Upload
from ganstyle.gui.sessions import exclusive, stoppable
from ganstyle.images import write_image
from ganstyle.models import MAX_STRENGTH
from ganstyle.style import Style, style_from
from ganstyle.stylize import MAX_STROKE_SIZE, PLAIN, Controls, result_name

ENDPOINTS = ("list_styles", "stylize_photo", "stylize_like_painting")
"""Names of the public endpoints."""


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
        return self._stylize(photo, self._context.styles[style], controls, request)

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
        style = style_from(painting.read())
        style.generator.to(self._context.device)
        return self._stylize(photo, style, controls, request)

    def _stylize(self, photo: Upload | None, style: Style, controls: Controls, request: gr.Request) -> str:
        if photo is None:
            raise GanstyleError("Send a photo.")
        session, sessions = str(request.session_hash), self._context.sessions
        with sessions.job(session, "api") as stop, exclusive(stop):
            sessions.claim(session, photo.path)
            target = sessions.new_folder(session) / result_name(Path(photo.name))
            with stoppable(style.generator, stop):
                result = style.paint(photo.read(), controls)
            write_image(result, target)
        return str(target)
