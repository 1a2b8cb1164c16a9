import base64
import re

from ganstyle.gui.markup import chart, hint, picture, progress, table

NASTY = '<img src="x" onerror="alert(1)">'


def test_nothing_gets_through() -> None:
    pieces = (
        progress(NASTY, 0.5),
        hint(NASTY),
        picture(b"x", alt=NASTY, caption=NASTY, note=NASTY),
        chart({NASTY: [(1, 1.0), (2, 0.5)]}, title=NASTY, x="step", y="loss"),
        table(["", NASTY], [[NASTY, NASTY]], caption=NASTY),
    )
    for piece in pieces:
        assert "<img src=" not in piece
        assert "&lt;img" in piece


def test_progress() -> None:
    assert progress("") == ""
    assert "<progress" not in progress("Done.")
    assert 'role="status"' in progress("Done.")
    assert '<progress max="1" value="0.250" aria-label="half way">' in progress("half way", 0.25)


def test_a_picture_holds_itself() -> None:
    figure = picture(b"pixels", alt="a", note="one\ntwo", kind="jpeg")
    content = re.search(r'src="data:image/jpeg;base64,([^"]+)"', figure)
    assert content
    assert base64.b64decode(content[1]) == b"pixels"
    assert "<span>one</span><span>two</span>" in figure
    assert "figcaption" not in picture(b"", alt="a")


def test_a_chart_says_in_words_what_it_shows_and_has_two_schemes() -> None:
    html = chart({"content": [(1, 2.0), (9, 0.25)], "style": [(1, 3.0)]}, title="Losses", x="step", y="loss")
    said = re.findall(r'<img class="in-(\w+)" alt="([^"]+)"', html)
    assert said == [
        (scheme, "Losses: content from 2 to 0.25; style from 3 to 3") for scheme in ("light", "dark")
    ]


def test_a_table_names_its_rows_and_columns() -> None:
    html = table(["step", "style"], [["500", "0.1"], ["0", "0.7"]], caption="Scores")
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["step", "style"]
    assert re.findall(r'<th scope="row">(.*?)</th><td>(.*?)</td>', html) == [("500", "0.1"), ("0", "0.7")]
    assert 'tabindex="0" role="region" aria-label="Scores"' in html  # so that the keyboard can scroll it
