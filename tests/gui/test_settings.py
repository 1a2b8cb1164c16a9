import _socket
import errno
import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest

import ganstyle.gui.settings
from ganstyle.errors import GanstyleError
from ganstyle.gui.settings import Settings, credentials, is_loopback, parse_file_size, path_prefix, pick_port


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


@pytest.fixture(autouse=True)
def _numbers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Resolve addresses as ever, and names but for localhost as a machine does that knows none."""

    def resolve(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        if host != "localhost":
            flags |= socket.AI_NUMERICHOST
        return _socket.getaddrinfo(host, port, family, type, proto, flags)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.fixture
def taken() -> Iterator[int]:
    """A port of this machine that somebody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.mark.parametrize(
    "host",
    [
        "nosuch.invalid",
        "192.0.2.1",
        "127.0.0.1:7860",
        "0.0.0.0:80",
        "http://localhost",
        "a" * 70,
        "a..b",
        "fe80::1",
        "::1::2",
        "256.0.0.1",
    ],
)
@pytest.mark.parametrize("port", [None, 7999])
def test_a_wrong_host_fails_at_once(host: str, port: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    resolve = socket.getaddrinfo

    def count(*arguments: Any, **keywords: Any) -> Any:
        calls.append(arguments)
        return resolve(*arguments, **keywords)

    monkeypatch.setattr(socket, "getaddrinfo", count)
    with pytest.raises(GanstyleError, match="not an address of this machine") as caught:
        pick_port(host, port)
    assert host in str(caught.value)
    assert len(calls) <= 1


@pytest.mark.parametrize("host", ["", " ", "[]"])
def test_an_empty_host(host: str) -> None:
    with pytest.raises(GanstyleError, match="--host: is empty"):
        pick_port(host, None)


def test_a_taken_port(taken: int) -> None:
    for host in ("127.0.0.1", "0.0.0.0", "localhost"):
        with pytest.raises(GanstyleError, match=f"--port {taken}: already in use"):
            pick_port(host, taken)


def test_the_next_free_port(taken: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganstyle.gui.settings, "_PORTS", range(taken, taken + 100))
    assert taken < pick_port("127.0.0.1", None) < taken + 100
    monkeypatch.setattr(ganstyle.gui.settings, "_PORTS", range(taken, taken + 1))
    with pytest.raises(GanstyleError, match=f"ports {taken} to {taken} are all taken"):
        pick_port("127.0.0.1", None)


def test_a_port_that_is_not_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: socket.socket, address: Any) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(GanstyleError, match="--port 80: not allowed; choose one above 1023"):
        pick_port("127.0.0.1", 80)
