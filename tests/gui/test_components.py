import base64
import inspect
import re
from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.gui.components import (
    aside,
    chart,
    menu_update,
    picture,
    placeholder,
    progress_line,
    public_message,
    setting_update,
    with_toasts,
)
from ganstyle.gui.sessions import JobStopped
from ganstyle.reports import table

NASTY = '<img src="x" onerror="alert(1)">'


def test_all_text_is_escaped() -> None:
    pieces = (
        progress_line(NASTY, 0.5),
        placeholder(NASTY),
        aside(NASTY, code=NASTY),
        picture(b"x", alt=NASTY, caption=NASTY, note=NASTY),
        chart({NASTY: [(1, 1.0), (2, 0.5)]}, title=NASTY, x="step", y="loss"),
        table(["", NASTY], [[NASTY, NASTY]], caption=NASTY),
    )
    for piece in pieces:
        assert "<img src=" not in piece
        assert "&lt;img" in piece


@pytest.mark.parametrize(("value", "then"), [("b", "b"), (None, None), ("gone", "a"), (3, "a"), (["b"], "a")])
def test_menu_keeps_its_value_while_that_is_offered(value: Any, then: str | None) -> None:
    update = menu_update(gr.Dropdown(["a", "gone"], value="a", render=False), [("A", "a"), ("B", "b")], value)
    assert update["choices"] == [("A", "a"), ("B", "b")]
    assert update.get("value", value) == then


def test_progress_line() -> None:
    assert progress_line("") == ""
    assert "<progress" not in progress_line("Done.")
    assert 'role="status"' in progress_line("Done.")
    assert '<progress max="1" value="0.250" aria-label="half way">' in progress_line("half way", 0.25)


def test_picture_contains_its_data() -> None:
    figure = picture(b"pixels", alt="a", note="one\ntwo", kind="jpeg")
    content = re.search(r'src="data:image/jpeg;base64,([^"]+)"', figure)
    assert content
    assert base64.b64decode(content[1]) == b"pixels"
    assert "<span>one</span><span>two</span>" in figure
    assert "figcaption" not in picture(b"", alt="a")


def test_chart_has_alt_text_and_two_color_schemes() -> None:
    html = chart({"content": [(1, 2.0), (9, 0.25)], "style": [(1, 3.0)]}, title="Losses", x="step", y="loss")
    said = re.findall(r'<img class="in-(\w+)" alt="([^"]+)"', html)
    assert said == [
        (scheme, "Losses: content from 2 to 0.25; style from 3 to 3") for scheme in ("light", "dark")
    ]


def test_table_has_row_and_column_headers() -> None:
    html = table(["step", "style"], [["500", "0.1"], ["0", "0.7"]], caption="Scores")
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["step", "style"]
    assert re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', html) == [("500", "0.1"), ("0", "0.7")]
    assert 'tabindex="0" role="region" aria-label="Scores"' in html  # so that the keyboard can scroll it


def test_errors_become_toasts_in_one_line_of_plain_text() -> None:
    def fail() -> None:
        raise GanstyleError("<img src=x>.jpg:\n is no image")

    with pytest.raises(gr.Error) as caught:
        with_toasts(fail)()
    assert caught.value.message == "&lt;img src=x&gt;.jpg: is no image"


def test_errors_of_a_generator_function_become_toasts() -> None:
    def fail() -> Iterator[int]:
        yield 1
        raise OSError("the disk is full")

    steps = with_toasts(fail)()
    assert inspect.isgeneratorfunction(with_toasts(fail))
    assert next(steps) == 1
    with pytest.raises(gr.Error, match="the disk is full"):
        next(steps)


def test_a_stopped_job_shows_no_toast() -> None:
    def stop() -> None:
        raise JobStopped

    with pytest.raises(gr.Error) as caught:
        with_toasts(stop)()
    assert not caught.value.visible


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_is_one_line(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(gr.Error, match="There is not enough memory"):
        with_toasts(fail)()


def test_other_errors_are_not_caught() -> None:
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


def test_setting_absent_from_a_link() -> None:
    assert setting_update(gr.Checkbox(render=False), None) == UNCHANGED
