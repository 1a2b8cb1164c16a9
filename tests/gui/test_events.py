import inspect
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from ganstyle.errors import GanstyleError
from ganstyle.gui.events import DeepLinks, public_message, setting_update, with_toasts
from ganstyle.gui.sessions import JobStopped


def test_errors_become_toasts_in_one_line_of_plain_text() -> None:
    def fail() -> None:
        raise GanstyleError("<img src=x>.jpg:\n is no image")

    with pytest.raises(gr.Error) as caught:
        with_toasts(fail)()
    assert caught.value.message == "&lt;img src=x&gt;.jpg: is no image"


def test_so_do_those_of_a_generator_function() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise OSError("the disk is full")

    steps = with_toasts(fail)()
    assert inspect.isgeneratorfunction(with_toasts(fail))
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="the disk is full"):
        next(steps)


def test_what_was_stopped_says_nothing() -> None:
    def stop() -> None:
        raise JobStopped

    with pytest.raises(gr.Error) as caught:
        with_toasts(stop)()
    assert not caught.value.visible


def test_other_errors_are_ours_to_mend() -> None:
    def fail(x: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        with_toasts(fail)(1)


@pytest.mark.parametrize(
    ("error", "shown"),
    [
        (GanstyleError("/srv/me/runs/x.png: not an image"), "x.png: not an image"),
        (GanstyleError("'/srv/me/x.png' and (/a/b/c.yaml) differ"), "'x.png' and (c.yaml) differ"),
        (
            GanstyleError("see https://example.org/a/b and and/or 1/2"),
            "see https://example.org/a/b and and/or 1/2",
        ),
        (
            FileNotFoundError(2, "No such file or directory", "/srv/my photos/x.png"),
            "x.png: No such file or directory",
        ),
        (OSError(28, "No space left on device"), "No space left on device"),
        (OSError("cannot read"), "cannot read"),
    ],
)
def test_messages_do_not_name_the_servers_folders(error: Exception, shown: str) -> None:
    assert public_message(error) == shown


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
