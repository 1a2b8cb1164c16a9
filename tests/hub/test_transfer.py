"""Styles on the Hub: fetched, cached and pushed, against a server on this machine."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

import ganstyle
from ganstyle.cli import app
from ganstyle.errors import CheckpointError, GanstyleError, MissingExtraError
from ganstyle.hub import model_card
from ganstyle.style import find_style, load_style
from tests.hub.conftest import FakeHub

ROOT = Path(__file__).parents[2]


@pytest.fixture
def style(make_style: Callable[..., Path]) -> Path:
    return make_style("tiny", info={"training": {"steps": 7}, "scores": {"content": 1.25, "style": 0.05}})


@pytest.fixture
def shared(hub: FakeHub, style: Path) -> FakeHub:
    """The Hub with one style on it."""
    hub.add("user/name", "style.safetensors", style.read_bytes())
    return hub


def refused(address: str) -> str:
    with pytest.raises(CheckpointError) as caught:
        load_style(address)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(address)
    return message


def test_load_and_cache(shared: FakeHub) -> None:
    assert ganstyle.load_style("hf://user/name").name == "tiny"
    path = find_style("hf://user/name")
    assert path.name == "style.safetensors"
    assert sum(request.startswith("GET") for request in shared.requests) == 1
    assert load_style(Path("hf://user/name")).name == "tiny"  # a path object has one slash less


def test_load_revision_and_file(shared: FakeHub, make_style: Callable[..., Path]) -> None:
    other = make_style("other").read_bytes()
    shared.add("user/name", "style.safetensors", other, revision="v2")
    shared.add("user/name", "style.safetensors", other, revision="refs/pr/1")
    shared.add("user/name", "more/kiss.safetensors", other)
    for address in ("user/name@v2", "user/name@refs/pr/1", "user/name/more/kiss.safetensors"):
        assert load_style(f"hf://{address}").name == "other", address
    assert "has no such revision; name a branch" in refused("hf://user/name@v3")


def test_stylize_from_the_hub(shared: FakeHub, photos: Path, tmp_path: Path) -> None:
    words = ["stylize", str(photos / "a.png"), "-s", "hf://user/name", "-o", str(tmp_path / "out")]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / "a.png").is_file()
    assert "tiny" in CliRunner().invoke(app, ["styles", "hf://user/name"]).stdout


def test_card_leaves_out_what_is_not_known(style: Path) -> None:
    """A file may hold null for each part of what is known of its training."""
    info = {"training": {"steps": None, "photos": 3, "seconds": None}, "vgg": {"name": "x", "sha256": None}}
    card = model_card(load_style(style).recipe, info, repo="u/n", sha256="0" * 64)
    assert "| training | 3 photos |" in card
    assert "features" not in card


def test_token_is_sent(shared: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_mine")
    load_style("hf://user/name")
    assert set(shared.tokens) == {"Bearer hf_mine"}


def test_offline_uses_the_cache(shared: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    load_style("hf://user/name")
    shared.requests.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert load_style("hf://user/name").name == "tiny"
    assert "HF_HUB_OFFLINE is set, and the style is not in the cache" in refused("hf://user/other")
    assert shared.requests == []


def test_offline_in_a_process(shared: FakeHub, tmp_path: Path) -> None:
    """As a user sets it: by an environment variable alone."""
    load_style("hf://user/name")
    program = "import ganstyle; print(ganstyle.load_style('hf://user/name').name)"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, cwd=tmp_path, capture_output=True, text=True
    )
    assert (result.stdout, result.returncode) == ("tiny\n", 0), result.stderr


def test_unreachable_hub_uses_the_cache(
    shared: FakeHub, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    load_style("hf://user/name")
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # between attempts
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # nobody listens there
    assert load_style("hf://user/name").name == "tiny"
    assert "the Hub cannot be reached, and the style is not in the cache" in refused("hf://user/other")
    assert capfd.readouterr().err == ""  # the library's own attempts stay unmentioned


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((401, "RepoNotFound"), "there is no such repository, or it is private; if it is, log in"),
        ((403, "GatedRepo"), "is gated; accept its terms at http"),
        ((500, ""), "the Hub"),
        ((403, "DisabledRepo"), "the Hub"),
    ],
)
def test_hub_errors_are_one_line(
    hub: FakeHub, answer: tuple[int, str], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    hub.refusals["user/name"] = answer
    assert message in refused("hf://user/name")


def test_repository_without_a_style(hub: FakeHub) -> None:
    hub.add("user/empty", "README.md", b"# nothing")
    assert "has no style.safetensors; it is not a style" in refused("hf://user/empty")
    hub.add("user/pickles", "model.pt", b"PK")
    assert "its weights are pickles, which are never loaded" in refused("hf://user/pickles")
    hub.add("user/two", "b.safetensors", b"")
    hub.add("user/two", "a.safetensors", b"")
    message = refused("hf://user/two")
    assert (
        "it holds a.safetensors, b.safetensors; append its name, as in hf://user/two/a.safetensors" in message
    )


def test_file_that_is_not_a_style(hub: FakeHub) -> None:
    hub.add("user/name", "style.safetensors", b"PK\x03\x04 a pickle" * 10)
    with pytest.raises(CheckpointError, match="not a readable checkpoint but a pickle"):
        load_style("hf://user/name")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("hf://name", "not an address of a style; write hf://user/name"),
        ("hf://user/na me", "not an address of a style"),
        ("hf://user/name@", "not an address of a style"),
        ("hf://user/name/model.pt", "only .safetensors files are loaded"),
        ("hf://datasets/user/name", "only .safetensors files are loaded"),
    ],
)
def test_malformed_hub_address(address: str, message: str) -> None:
    assert message in refused(address)


def test_missing_hub_extra(monkeypatch: pytest.MonkeyPatch, style: Path) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for action in (lambda: load_style("hf://user/name"), lambda: load_style(style).push_to_hub("me/tiny")):
        with pytest.raises(MissingExtraError, match=r"needs huggingface_hub, .*'ganstyle\[hub\]'$"):
            action()


# --- push


def push(*words: object) -> Any:
    return CliRunner().invoke(app, ["push", *map(str, words)])


def test_push_and_load_again(hub: FakeHub, style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", hub.token)
    result = push(style, "me/tiny", "--license", "cc-by-4.0", "--private")
    assert result.exit_code == 0, result.output
    assert result.stdout == f"tiny -> {hub.url}/me/tiny\n"
    files = hub.files["me/tiny", "main"]
    assert set(files) == {"README.md", "sample.jpg", "style.safetensors"}
    assert files["style.safetensors"] == style.read_bytes()
    assert hub.private["me/tiny"] is True
    _, front, body = files["README.md"].decode().split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["library_name"] == "ganstyle"
    assert metadata["license"] == "cc-by-4.0"
    assert {"style-transfer", "ganstyle"} <= set(metadata["tags"])
    assert "-s hf://me/tiny" in body
    assert "content | 1.250" in body
    assert "*A & B*, N. N." in body
    assert load_style("hf://me/tiny").name == "tiny"


def test_push_from_python_to_a_branch(hub: FakeHub, style: Path) -> None:
    hub.files["me/tiny", "next"] = {}
    loaded = load_style(style)
    assert loaded.push_to_hub("hf://me/tiny", revision="next", token=hub.token) == f"{hub.url}/me/tiny"
    front = hub.files["me/tiny", "next"]["README.md"].decode().split("---\n")[1]
    assert yaml.safe_load(front)["license"] == "other"
    assert load_style("hf://me/tiny@next").info == loaded.info


@pytest.mark.parametrize(
    ("repo", "message"),
    [
        ("tiny", "tiny: name only the repository, user/name"),
        ("a/b/c", "a/b/c: name only the repository, user/name"),
        ("me/tiny@v2", "name only the repository"),
        ("me/tiny/a.safetensors", "name only the repository"),
    ],
)
def test_push_to_a_bad_name(hub: FakeHub, style: Path, repo: str, message: str) -> None:
    result = push(style, repo)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert hub.requests == []


def test_push_without_permission(hub: FakeHub, style: Path) -> None:
    result = push(style, "me/tiny")
    assert result.exit_code == 2
    assert "hf auth login" in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert ("me/tiny", "main") not in hub.files


def test_push_without_network(hub: FakeHub, style: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(GanstyleError, match=r"^hf://me/tiny: .*cannot be reached"):
        load_style(style).push_to_hub("me/tiny", token="hf_x")


def test_push_of_a_file_that_is_not_a_style(hub: FakeHub, painting: Path) -> None:
    result = push(painting, "me/tiny")
    assert result.exit_code == 2
    assert "not a readable checkpoint" in result.stderr
    assert hub.requests == []
