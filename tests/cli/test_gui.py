import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ganstyle.cli import app
from ganstyle.gui.settings import Settings


def fails_with(message: str, *arguments: str) -> None:
    result = CliRunner().invoke(app, ["gui", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.fixture(autouse=True)
def _no_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GANSTYLE_AUTH", raising=False)


def test_without_gradio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gradio", None)
    fails_with("pip install 'ganstyle[gui]'")


def test_others_need_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
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
def test_options_reach_the_server(
    options: list[str], expected: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Settings] = []

    def serve(settings: Settings) -> None:
        asked.append(settings)
        raise OSError("not today")

    monkeypatch.setattr("ganstyle.gui.server.serve", serve)
    fails_with("not today", *options)
    assert asked == [Settings(**expected)]  # type: ignore[arg-type]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    none = str(tmp_path / "none")
    fails_with("no such folder", "--styles", none, "--vgg", "distilled")
    fails_with("no such folder", "--train", "--photos", none, "--vgg", "distilled")
    fails_with("only trainings use it; add --train", "--photos", none)


def test_malformed_options() -> None:
    fails_with("write a size such as 100mb", "--max-upload", "much")
    fails_with("write a path such as /ganstyle", "--root-path", "a b")
    fails_with("not an address of this machine", "--host", "nosuch.invalid", "--no-auth")


def test_help_does_not_load_gradio() -> None:
    loaded = "gradio" in sys.modules
    assert CliRunner().invoke(app, ["gui", "--help"]).exit_code == 0
    assert ("gradio" in sys.modules) == loaded
