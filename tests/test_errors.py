import pytest

from ganstyle.errors import one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a  b.png", "a  b.png"),
        ("first\n  second\r\n", "first second"),
        ("\x1b[2Jgone\x07", r"\x1b[2Jgone\x07"),
        ("caf\udce9.jpg", r"caf\udce9.jpg"),
        ("Photo 10.20\u202fAM · Ночь 👩‍🎨", "Photo 10.20\u202fAM · Ночь 👩‍🎨"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        (FileNotFoundError(2, "No such file", "x"), "[Errno 2] No such file: 'x'"),
        (EOFError(), "EOFError"),
    ],
)
def test_first_line_of_an_error(text: object, line: str) -> None:
    assert one_line(text) == line
    assert one_line(text).encode()


def test_long_lines_are_cut() -> None:
    assert one_line("x" * 100, 10) == "x" * 10
    assert len(one_line("\x00" * 100, 10)) == 10
