import math

import pytest

from ganstyle.reports import duration, number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.000"),
        (0.1234, "0.123"),
        (1.0, "1.00"),
        (59.96, "60.0"),
        (123.4, "123"),
        (12345.6, "12,346"),
        (0.000123, "0.000123"),
        (math.inf, "never"),
        (math.nan, "not finite"),
    ],
)
def test_numbers_have_three_digits(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.125, "0.125 s"), (57.31, "57.3 s"), (4759.2, "79 min"), (16200, "4.5 h")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
