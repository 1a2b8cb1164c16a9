import gradio as gr
import pytest

from ganstyle.gui.links import DeepLinks, setting_update

UNCHANGED = gr.skip()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("0", 0),
        ("1.5", 1.5),
        ("2", UNCHANGED),
        ("-1", UNCHANGED),
        ("nan", UNCHANGED),
        ("x", UNCHANGED),
    ],
)
def test_number_from_a_link(text: str, value: object) -> None:
    assert setting_update(gr.Slider(0, 1.5, render=False), text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("false", False), ("1", UNCHANGED), ("", UNCHANGED)]
)
def test_checkbox_from_a_link(text: str, value: object) -> None:
    assert setting_update(gr.Checkbox(render=False), text) == value


@pytest.mark.parametrize(("text", "value"), [("b", "b"), ("B", UNCHANGED), ("/etc/passwd", UNCHANGED)])
def test_choice_from_a_link(text: str, value: object) -> None:
    assert setting_update(gr.Dropdown([("A", "a"), ("B", "b")], render=False), text) == value
    assert setting_update(gr.Radio([("A", "a"), ("B", "b")], render=False), text) == value


def test_absent_from_a_link() -> None:
    assert setting_update(gr.Checkbox(render=False), None) == UNCHANGED


def test_names_are_unique() -> None:
    links = DeepLinks()
    links.add(style=gr.Checkbox(render=False))
    with pytest.raises(ValueError, match="style"):
        links.add(style=gr.Checkbox(render=False))
