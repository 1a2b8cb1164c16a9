import base64
import re

from ganstyle.reports import (
    Cell,
    curves_figure,
    data_uri,
    definitions,
    describe_curves,
    figure,
    page,
    render,
    table,
    themed_figure,
)

NASTY = '<img src="x" onerror="alert(1)">'


def test_html_is_escaped() -> None:
    for piece in (
        table(["", NASTY], [[Cell(NASTY), Cell(NASTY, note=NASTY)]], caption=NASTY),
        figure("", caption=NASTY, note=NASTY),
        themed_figure("a.svg", "b.svg", alt=NASTY, caption=NASTY),
        curves_figure({NASTY: [(0.0, 1.0)]}, title=NASTY, x="x", y="y"),
        definitions({NASTY: NASTY}),
        page(title=NASTY, subtitle=NASTY, conclusion=NASTY, body=""),
    ):
        assert '<img src="x"' not in piece
        assert "&lt;img" in piece


def test_table_names_rows_and_columns_and_marks_the_best() -> None:
    rows: list[list[str | Cell]] = [["500", Cell("0.1", note="0.1 – 0.2", best=True)], ["0", "0.7"]]
    html = table(["step", "style"], rows, caption="Scores", aside_rows=1)
    assert re.findall(r'<th scope="col">(.*?)</th>', html) == ["step", "style"]
    assert re.findall(r'<th scope="row">(.*?)</th>', html) == ["500", "0"]
    assert '<td class="best">0.1<small>0.1 – 0.2</small></td>' in html
    assert html.count('<tr class="aside">') == 1
    assert html.index("aside") > html.index("0.2")
    assert "<caption>Scores</caption>" in html
    assert 'tabindex="0" role="region" aria-label="Scores"' in html  # so that the keyboard can scroll it
    assert "aside" not in table(["a"], [["b"]], caption="c")


def test_figure_keeps_lines_and_leaves_out_an_empty_caption() -> None:
    assert figure("<b></b>") == "<figure><b></b></figure>"
    assert "<strong>a</strong><span>one</span><span>two</span>" in figure("", caption="a", note="one\ntwo")


def test_curves_figure_holds_both_schemes_and_is_described() -> None:
    curves = {"content": [(1.0, 2.0), (9.0, 0.25)], "none": []}
    assert describe_curves(curves) == "content from 2 to 0.25"
    html = curves_figure(curves, title="Losses", x="step", y="loss")
    assert html.count("data:image/svg+xml;base64,") == 2
    assert 'media="(prefers-color-scheme: dark)"' in html
    assert 'alt="Losses: content from 2 to 0.25"' in html


def test_data_uri_holds_the_content() -> None:
    kind, _, content = data_uri("image/png", b"pixels").partition(";base64,")
    assert (kind, base64.b64decode(content)) == ("data:image/png", b"pixels")


def test_page_is_self_contained() -> None:
    html = page(
        title="T", subtitle="S", conclusion="C", body="<p>B</p>", style_sheets=("report.css", "compare.css")
    )
    assert html.startswith("<!doctype html>")
    assert "<h1>T</h1>" in html
    assert "<p>B</p>" in html
    assert ".stage" in html
    assert not re.search(r"https?://|@import|url\(|<script|<link", html)


def test_template_placeholders() -> None:
    names = (
        "plots",
        "plot_note",
        "tables",
        "inputs",
        "pictures",
        "objective",
        "moments",
        "repetitions",
        "settings",
        "notes",
    )
    html = render("optimizers.html", {name: f"[{name}]" for name in names})
    assert all(f"[{name}]" in html for name in names)
