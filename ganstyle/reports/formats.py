"""Numbers and times as reports print them."""

import math


def number(value: float) -> str:
    """Write a loss, a score or a time with three significant digits.

    Infinity is printed as "never": it stands for a goal that was not reached.
    """
    if not math.isfinite(value):
        return "never" if value == math.inf else "not finite"
    if value == 0 or 1e-3 <= abs(value) < 1e3:
        digits = 3 if value == 0 else max(0, 2 - math.floor(math.log10(abs(value))))
        return f"{value:.{digits}f}"
    return f"{value:.3g}" if abs(value) < 1e-3 else f"{value:,.0f}"


def duration(seconds: float) -> str:
    """Write a time for people: ``0.120 s``, ``57.3 s``, ``79 min`` or ``4.5 h``."""
    if seconds < 100:
        return f"{number(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
