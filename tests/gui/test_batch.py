import pytest

from ganstyle.gui.batch import unique_name


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("me.jpg", [], "me.jpg"),
        ("me.jpg", ["me.jpg"], "me (2).jpg"),
        ("me.jpg", ["ME.JPG", "me (2).jpg"], "me (3).jpg"),
        ("me.png", ["me.jpg"], "me.png"),
        ("me", ["me"], "me (2)"),
    ],
)
def test_unique_name(name: str, taken: list[str], expected: str) -> None:
    assert unique_name(name, taken) == expected
