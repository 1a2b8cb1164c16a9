from pathlib import Path

import pytest

from ganstyle.cli.paths import current_invocation, expand_home, with_paths


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def test_expand_home(home: Path) -> None:
    assert expand_home(Path("~/a/b")) == home / "a" / "b"
    assert expand_home(Path("~")) == home
    assert str(expand_home(Path("~root/x"))) == "/root/x"
    for path in (Path("a~"), Path("a/~/b"), Path("/~"), Path("~no_such_user/x"), Path()):
        assert expand_home(path) == path


def test_file_named_with_a_tilde(home: Path) -> None:
    Path("~root").touch()
    assert expand_home(Path("~root")) == Path("~root")
    Path("~").mkdir()
    assert expand_home(Path("~/x")) == home / "x"


def test_every_argument_of_a_command_is_expanded(home: Path) -> None:
    def command(**arguments: object) -> None:
        seen.update(arguments)

    seen: dict[str, object] = {}
    with_paths(command)(
        photos=[Path("~/a"), Path("b")],
        output=Path("~/c"),
        style="~/d",
        vgg="auto",
        mask=None,
        words=["~", "~/e"],
    )
    assert seen == {
        "photos": [home / "a", Path("b")],
        "output": home / "c",
        "style": str(home / "d"),
        "vgg": "auto",
        "mask": None,
        "words": ["~", str(home / "e")],
    }


def test_inputs_of_a_command(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_VGG16", "weights.pth")
    inputs: list[Path] = []
    with_paths(lambda **arguments: inputs.extend(current_invocation().inputs))(
        photos=[Path("a")], output=Path("b"), json_file=Path("c"), style="~/d", size=3
    )
    assert {Path("a"), home / "d", Path("weights.pth")} <= set(inputs)
    assert not {Path("b"), Path("c")} & set(inputs)
    assert current_invocation().inputs == []
