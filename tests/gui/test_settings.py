import pytest

from ganstyle.errors import GanstyleError
from ganstyle.gui.settings import credentials, is_loopback


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.168.1.2", False),
        ("example.org", False),
        ("localhost.example.org", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_this_machine_alone_needs_no_password() -> None:
    assert credentials(None) is None
    assert credentials("") is None


def test_a_password_may_hold_colons() -> None:
    assert credentials("me:a:b", host="0.0.0.0") == ("me", "a:b")
    assert credentials("me:secret") == ("me", "secret")


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"host": "::"}, {"share": True}])
def test_others_need_a_password(options: dict[str, str]) -> None:
    with pytest.raises(GanstyleError, match="others could use this machine; set a password"):
        credentials(None, **options)  # type: ignore[arg-type]
    assert credentials(None, no_auth=True, **options) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("auth", ["secret", ":secret", "me:", ":"])
def test_a_malformed_one(auth: str) -> None:
    with pytest.raises(GanstyleError, match="write it as user:password"):
        credentials(auth)


def test_a_contradiction() -> None:
    with pytest.raises(GanstyleError, match="contradict"):
        credentials("me:secret", no_auth=True)
