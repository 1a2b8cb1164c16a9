import gradio as gr
import pytest

from ganstyle.gui.context import DeepLinks


def test_link_names_are_unique() -> None:
    links = DeepLinks()
    links.add(style=gr.Checkbox(render=False))
    with pytest.raises(ValueError, match="style"):
        links.add(style=gr.Checkbox(render=False))
