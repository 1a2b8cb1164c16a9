"""The inputs that the tabs Optimize and Compare share."""

import gradio as gr

from ganstyle.gatys import DEFAULTS
from ganstyle.gui.inputs import PhotoInput, small_photo_input


def photo_and_painting_inputs(prefix: str) -> tuple[PhotoInput, PhotoInput]:
    """Return inputs for a photo and a painting, side by side.

    Args:
        prefix: of their element ids.
    """
    with gr.Row(elem_classes="pair"):
        return small_photo_input("Photo", f"{prefix}-photo"), small_photo_input(
            "Painting", f"{prefix}-painting"
        )


def steps_input(label: str, elem_id: str) -> gr.Slider:
    """Return an input for the number of steps."""
    return gr.Slider(1, 500, value=DEFAULTS.steps, step=1, label=label, elem_id=elem_id)


def side_input(value: int, elem_id: str) -> gr.Slider:
    """Return an input for the picture's shorter side, in pixels."""
    return gr.Slider(64, 512, value=value, step=32, label="Shorter side in pixels", elem_id=elem_id)


def start_and_stop_buttons(start: str, stop: str, prefix: str) -> tuple[gr.Button, gr.Button]:
    """Return the buttons that start and stop a job; the second one is hidden while there is none.

    Args:
        start: the text of the first.
        stop: the text of the second.
        prefix: of their element ids.
    """
    with gr.Row():
        return (
            gr.Button(start, variant="primary", elem_id=f"{prefix}-start"),
            gr.Button(stop, variant="stop", visible=False, elem_id=f"{prefix}-{stop.lower()}"),
        )
