import base64
import re

from ganstyle.gui.components import aside, chart, picture, placeholder, progress_line
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
