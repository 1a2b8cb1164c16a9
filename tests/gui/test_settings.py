import pytest

from ganstyle.errors import GanstyleError
from ganstyle.gui.settings import Settings, credentials, is_loopback, parse_file_size, path_prefix


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


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("20mb", 20 * 1024**2),
        ("1.5 GB", 3 * 1024**3 // 2),
        ("1g", 1024**3),
        ("512", 512),
        (" 8 KiB ", 8192),
        ("7b", 7),
    ],
)
def test_file_size(text: str, size: int) -> None:
    assert parse_file_size(text) == size


@pytest.mark.parametrize("text", ["", "mb", "-1mb", "0", "0.0001b", "20 megabytes", "1e3", "twenty", "nan"])
def test_malformed_file_size(text: str) -> None:
    with pytest.raises(GanstyleError, match=r"--max-upload .*: write a size such as 100mb"):
        parse_file_size(text)


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("", ""),
        ("/", ""),
        ("ganstyle", "/ganstyle"),
        ("/ganstyle/", "/ganstyle"),
        ("/a/b", "/a/b"),
        ("https://example.org/ganstyle/", "https://example.org/ganstyle"),
        ("http://localhost:8000", "http://localhost:8000"),
    ],
)
def test_path_prefix(text: str, prefix: str) -> None:
    assert path_prefix(text) == prefix


@pytest.mark.parametrize(
    "text", ["/a b", "//a", "ftp://a/b", "/a?b", "example.org:80/a", r"C:\a", "https://a b"]
)
def test_malformed_path_prefix(text: str) -> None:
    with pytest.raises(GanstyleError, match=r"--root-path .*: write a path such as /ganstyle"):
        path_prefix(text)


def test_behind_a_proxy_visitors_may_be_anywhere() -> None:
    assert Settings().local
    assert not Settings(root_path="/ganstyle").local
    assert not Settings(share=True).local
    assert not Settings(host="0.0.0.0").local
