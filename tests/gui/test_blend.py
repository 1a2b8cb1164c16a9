import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.gui.blend import add_blend
from ganstyle.gui.context import StyleCatalog


@pytest.fixture(scope="module")
def styles() -> StyleCatalog:
    return StyleCatalog(None, torch.device("cpu"))


def test_a_blend_is_offered(styles: StyleCatalog) -> None:
    key = add_blend(styles, "me", "wave", "udnie", 25)
    assert ("wave 75% + udnie 25%", key) in styles.choices("me")


@pytest.mark.parametrize(
    ("style", "other", "percent", "problem"),
    [
        ("wave", None, 50, "choose another style"),
        ("wave", "wave", 50, "choose another style"),
        ("wave", "../secret", 50, "there is no style"),
        ("nothing", "wave", 50, "there is no style"),
        ("wave", "udnie", 100, "share 100"),
        ("wave", "udnie", float("nan"), "share nan"),
    ],
)
def test_what_cannot_be_blended(
    styles: StyleCatalog, style: str, other: str | None, percent: float, problem: str
) -> None:
    with pytest.raises(GanstyleError, match=problem):
        add_blend(styles, "me", style, other, percent)
