"""What the tab that stylizes photos is made of, and where it lies."""

from dataclasses import dataclass

import gradio as gr

from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.markup import hint
from ganstyle.gui.uploads import OPACITY, MaskInput, PhotoInput
from ganstyle.models import MAX_STRENGTH
from ganstyle.stylize import Controls

EMPTY = hint("Drop a photo to see it in every style.")

_SIDES = [("Before", 100), ("Both", 50), ("After", 0)]
"""What of the two pictures is seen, and where the slider's handle then is, in percent from the left."""


@dataclass(frozen=True)
class Layout:
    """The tab's components.

    Attributes:
        photo: takes the photo.
        example: takes the one that comes with ganstyle.
        style: names the style.
        thumbnails: the photo in every style; a click chooses.
        strength: how strongly it is painted.
        keep: whether the photo keeps its colors.
        slider: the preview, before and after.
        sides: which side of it is seen.
        status: one line that says what goes on.
        full: paints the photo itself.
        cancel: stops that.
        download: the result.
        mask: the brush for a part of the photo.
        brush: takes what is brushed.
    """

    photo: PhotoInput
    example: gr.Button
    style: gr.Dropdown
    thumbnails: gr.Gallery
    strength: gr.Slider
    keep: gr.Checkbox
    slider: gr.ImageSlider
    sides: gr.Radio
    status: gr.HTML
    full: gr.Button
    cancel: gr.Button
    download: gr.DownloadButton
    mask: MaskInput
    brush: gr.Button


def lay_out(shelf: StyleCatalog) -> Layout:
    """Make the components in the current context of Gradio.

    Args:
        shelf: the styles.
    """
    with gr.Row(elem_classes="columns"):
        with gr.Column(scale=2, min_width=300):
            photo = PhotoInput(
                label="Photo",
                sources=["upload", "clipboard", "webcam"],
                format="png",
                height=260,
                buttons=["fullscreen"],
                placeholder="Drop a photo here, or choose one",
                elem_id="photo",
            )
            example = gr.Button("Use the example photo", size="sm", elem_id="example")
            style = gr.Dropdown(shelf.keys, value=shelf.first, label="Style", elem_id="style")
            thumbnails = gr.Gallery(
                label="This photo in every style",
                columns=3,
                fit_columns=False,
                height="auto",
                allow_preview=False,
                object_fit="cover",
                buttons=[],
                interactive=False,
                visible=False,
                elem_id="thumbnails",
            )
            strength = gr.Slider(
                0,
                MAX_STRENGTH,
                value=Controls().strength,
                step=0.05,
                label="Strength",
                info="0 is the photo, 1 what the style was trained for.",
                elem_id="strength",
            )
            keep = gr.Checkbox(label="Keep the photo's colors", elem_id="keep")
        with gr.Column(scale=3, min_width=300):
            slider = gr.ImageSlider(
                label="Before and after",
                format="png",
                buttons=["fullscreen"],
                interactive=False,
                visible=False,
                max_height=640,
                elem_id="slider",
            )
            # Gradio's slider only follows a pointer; these are for the keyboard and for screen readers.
            sides = gr.Radio(_SIDES, value=50, label="Show", container=False, visible=False, elem_id="sides")
            status = gr.HTML(EMPTY, elem_id="status")
            with gr.Row():
                full = gr.Button("Paint at full size", variant="primary", interactive=False, elem_id="full")
                cancel = gr.Button("Cancel", variant="stop", visible=False, elem_id="cancel")
                download = gr.DownloadButton("Download", variant="primary", visible=False, elem_id="download")
            with gr.Accordion("Paint only a part", open=False, elem_id="part"):
                mask = MaskInput(
                    label="Brush over what is to be painted; the rest stays the photo",
                    sources=(),
                    transforms=(),
                    layers=False,
                    brush=gr.Brush(colors=[("#ff5c00", OPACITY)], color_mode="fixed", default_size=40),
                    eraser=gr.Eraser(default_size=40),
                    format="png",
                    buttons=[],
                    height=360,
                    elem_id="mask",
                )
                brush = gr.Button("Paint this part", size="sm", elem_id="brush")
    return Layout(
        photo=photo,
        example=example,
        style=style,
        thumbnails=thumbnails,
        strength=strength,
        keep=keep,
        slider=slider,
        sides=sides,
        status=status,
        full=full,
        cancel=cancel,
        download=download,
        mask=mask,
        brush=brush,
    )
