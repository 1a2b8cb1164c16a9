import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.cli.gui import credentials, parse_file_size, path_prefix
from ganstyle.errors import GanstyleError
from ganstyle.gui.server import Settings


def fails_with(message: str, *arguments: str) -> None:
    result = CliRunner().invoke(app, ["gui", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANSTYLE_AUTH", raising=False)


def test_missing_gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    fails_with("pip install 'ganstyle[gui]'")


def test_remote_access_needs_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    fails_with("set a password with --auth user:password or GANSTYLE_AUTH", "--host", "0.0.0.0")
    fails_with("set a password", "--share")
    fails_with("write it as user:password", "--auth", "secret")
    monkeypatch.setenv("GANSTYLE_AUTH", "me:secret")
    fails_with("contradict", "--host", "0.0.0.0", "--no-auth")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], {}),
        (
            ["--runs", "R", "--vgg", "distilled", "--port", "8000"],
            {"runs": Path("R"), "vgg": "distilled", "port": 8000},
        ),
        (["--auth", "me:secret"], {"login": ("me", "secret")}),
        (["--host", "0.0.0.0", "--no-auth"], {"host": "0.0.0.0"}),
        (
            ["--root-path", "ganstyle/", "--max-upload", "1gb"],
            {"root_path": "/ganstyle", "max_upload": 1024**3},
        ),
        (["--train", "--photos", "P"], {"train": True, "photos": Path("P")}),
        (["--share", "--auth", "me:secret"], {"share": True, "login": ("me", "secret")}),
    ],
)
def test_gui_options_reach_the_server(
    options: list[str], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def serve(settings: Settings, check: Callable[[], None]) -> None:
        asked.append(settings)
        raise OSError("not today")

    monkeypatch.setattr("ganstyle.gui.server.serve", serve)
    fails_with("not today", *options)
    assert asked == [Settings(**expected)]  # type: ignore[arg-type]


def test_missing_styles_folder(tmp_path: Path) -> None:
    none = str(tmp_path / "none")
    fails_with("no such folder", "--styles", none, "--vgg", "distilled")
    fails_with("no such folder", "--train", "--photos", none, "--vgg", "distilled")
    fails_with("only trainings use it; add --train", "--photos", none)


def test_malformed_gui_options() -> None:
    fails_with("write a size such as 100mb", "--max-upload", "much")
    fails_with("write a path such as /ganstyle", "--root-path", "a b")
    fails_with("not an address of this machine", "--host", "nosuch.invalid", "--no-auth")


def test_help_does_not_load_gradio() -> None:
    loaded = "gradio" in sys.modules
    assert CliRunner().invoke(app, ["gui", "--help"]).exit_code == 0
    assert ("gradio" in sys.modules) == loaded


def test_credentials_on_loopback() -> None:
    assert credentials(None) is None
    assert credentials("") is None


def test_credentials_with_colons() -> None:
    assert credentials("me:a:b", host="0.0.0.0") == ("me", "a:b")
    assert credentials("me:secret") == ("me", "secret")


@pytest.mark.parametrize("options", [{"host": "0.0.0.0"}, {"host": "::"}, {"share": True}])
def test_credentials_for_remote_access(options: dict[str, str]) -> None:
    with pytest.raises(GanstyleError, match="others could use this machine; set a password"):
        credentials(None, **options)  # type: ignore[arg-type]
    assert credentials(None, no_auth=True, **options) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("auth", ["secret", ":secret", "me:", ":"])
def test_malformed_credentials(auth: str) -> None:
    with pytest.raises(GanstyleError, match="write it as user:password"):
        credentials(auth)


def test_contradicting_credentials() -> None:
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


@pytest.mark.parametrize(
    "text", ["", "mb", "-1mb", "0", "0.0001b", "20 megabytes", "1e3", "twenty", "nan", "9" * 400]
)
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
