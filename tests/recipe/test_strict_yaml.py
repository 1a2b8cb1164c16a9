import sys
from typing import Any

import pytest

from ganstyle.recipe.strict_yaml import LONGEST, SourceFloat, SourceInt, dump_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("010", 10),
        ("-010", -10),
        ("0o10", 8),
        ("0x10", 16),
        ("1e-3", 0.001),
        ("1:30", "1:30"),
        ("190:20:30", "190:20:30"),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("none", "none"),
        ("null", None),
        ("~", None),
        ("", None),
        ("1889-06-31", "1889-06-31"),
        ("2024-01-01", "2024-01-01"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("=", "="),
        ("'010'", "010"),
        ("[1, 2]", [1, 2]),
    ],
)
def test_yaml_1_2_scalars(text: str, value: Any) -> None:
    parsed = parse_yaml(text)
    assert parsed == value
    assert isinstance(parsed, bool) == isinstance(value, bool)


@pytest.mark.parametrize("text", ["001", "1889", "0x1F", "+7"])
def test_numbers_keep_their_source(text: str) -> None:
    number = parse_yaml(text)
    assert isinstance(number, SourceInt)
    assert number.source == text


def test_floats_keep_their_source() -> None:
    number = parse_yaml("1889.50")
    assert isinstance(number, SourceFloat)
    assert number.source == "1889.50"


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("steps: 1\nseed: 2\nsteps: 3", 3, "steps"),
        ("loss: {style: 1}\nseed: 2\nloss: {tv: 1}", 3, "loss"),
        ("loss:\n  style: 1\n  style: 2", 3, "style"),
        ("{a: 1, a: 1}", 1, "a"),
        ("phases:\n- {until: 1, until: 1}", 2, "until"),
        ("a: 1\n'a': 2", 2, "a"),
        ("1: 2\n1: 3", 2, "1"),
    ],
)
def test_duplicate_keys_are_refused(text: str, line: int, key: str) -> None:
    with pytest.raises(ValueError, match=rf"^line {line}: the key '{key}' appears twice; keep one$"):
        parse_yaml(text)


@pytest.mark.parametrize(
    "text",
    [
        "a: [x",
        "a: b: c",
        "a: 'x",
        "\tx: 1",
        "x: \x00",
        "a: 1\n---\nb: 2",
        "!!python/object/apply:os.getcwd []",
        "[" * 600,
        "{a: " * 600,
        "- " * 600,
        "9" * (sys.get_int_max_str_digits() + 1),
        " " * (LONGEST + 1),
        "*unknown",
    ],
)
def test_not_yaml_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_yaml(text)


def test_merged_keys_may_be_overridden() -> None:
    parsed = parse_yaml("base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}")
    assert parsed["other"] == {"a": 1, "b": 3}


def test_round_trip() -> None:
    values = {
        "z": None,
        "numbers": [1, -2, 0.5, 1e-7, 1e300],
        "flags": [True, False],
        "empty": [{}, [], ""],
        "text": ["yes", "null", "~", "~/x", "010", "1:30", "1e3", ".5", "2024-01-01", "=", "<<", "- a"],
        "long": "word " * 100 + "end",
        "unicode": "De sterrennacht\t—\nnuit 'a': b",
        "a": 1,
    }
    again = parse_yaml(dump_yaml(values))
    assert again == values
    assert list(again) == list(values)
    assert [type(flag) for flag in again["flags"]] == [bool, bool]
