"""The answer when the queue is full, and the documented endpoints, called with Gradio's own client."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from gradio_client import Client, handle_file  # type: ignore[import-untyped]
from gradio_client.exceptions import AppError  # type: ignore[import-untyped]
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ganstyle.gui.app import ENDPOINTS, QUEUE_FULL, build, queue_full_response
from ganstyle.gui.context import AppContext
from ganstyle.gui.inputs import PhotoFilesInput, PhotoInput
from ganstyle.gui.server import Settings
from ganstyle.images import read_image, write_image
from ganstyle.style import load_style, shipped_styles, style_from
from ganstyle.stylize import Controls
from tests.gui.coroutines import run

GUIDE = Path(__file__).parents[2] / "docs" / "gui.md"


@pytest.mark.parametrize(
    ("said", "status", "answer"),
    [
        ("Queue is full. Max size is 12 and size is 12.", 429, QUEUE_FULL),
        ("Queue is stopped.", 503, "Queue is stopped."),
    ],
)
def test_queue_full_response(said: str, status: int, answer: str) -> None:
    got = queue_full_response(Request({"type": "http"}), HTTPException(503, said))
    assert got.status_code == status
    assert json.loads(bytes(got.body)) == {"detail": answer}


@pytest.fixture(scope="module")
def app(styles_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[gr.Blocks, AppContext]:
    """The application, not served."""
    folder = tmp_path_factory.mktemp("app")
    styles = folder / "styles"
    shutil.copytree(styles_folder, styles)
    training = Settings(styles=styles, runs=folder / "runs", vgg="distilled", device="cpu", train=True)

    async def make() -> tuple[gr.Blocks, AppContext]:
        return build(training, folder)  # in a loop: without one, Gradio opens some and closes none

    return run(make())


def test_uploads_of_all_inputs_are_claimed_as_they_arrive(app: tuple[gr.Blocks, AppContext]) -> None:
    """Else another visitor who leaves could remove one that waits in the page."""
    blocks, _ = app
    inputs = [each for each in blocks.blocks.values() if isinstance(each, PhotoInput | PhotoFilesInput)]
    claimed = {number for each in blocks.fns.values() if each.name == "claim" for number, _ in each.targets}
    in_the_page = {each._id for each in inputs if each.elem_id}
    assert len(in_the_page) >= 8
    assert in_the_page <= claimed


def test_menus_drop_a_style_that_is_gone(app: tuple[gr.Blocks, AppContext]) -> None:
    blocks, context = app
    (offer,) = [each for each in blocks.fns.values() if each.name == "offer"]
    assert not offer.preprocess  # which would refuse a value that is gone
    assert offer.fn
    visitor, shipped = SimpleNamespace(session_hash="me"), list(shipped_styles())
    assert [each.elem_id for each in offer.inputs] == [
        *("style", "compare-style", "blend-other", "region-other")
    ]
    before = offer.fn(visitor, "mine", "mine", "mine", None)
    assert all("mine" in dict(each["choices"]) for each in before)
    assert not any("value" in each for each in before)
    next(context.runs.parent.glob("styles/mine.*")).unlink()
    own = context.styles.blends.add("me", {"wave": 0.5, "udnie": 0.5}, context.styles.label)
    after = offer.fn(visitor, own, "mine", "mine", None)
    assert [key for _, key in after[0]["choices"]] == [*shipped, own]
    for each in after[1:]:
        assert [key for _, key in each["choices"]] == shipped
    assert [each.get("value", "as it is") for each in after] == ["as it is", shipped[0], None, "as it is"]


def test_what_a_visitor_made_ends_with_the_session(app: tuple[gr.Blocks, AppContext]) -> None:
    _, context = app
    key = context.styles.blends.add("guest", {"wave": 0.5, "udnie": 0.5}, context.styles.label)
    assert key in [each for _, each in context.styles.choices("guest")]
    context.sessions.close("guest")
    assert key not in [each for _, each in context.styles.choices("guest")]


@pytest.fixture(scope="module")
def api(served: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    client = Client(
        served.address,
        verbose=False,
        analytics_enabled=False,
        download_files=str(tmp_path_factory.mktemp("downloads")),
    )
    yield client
    client.close()


@pytest.fixture
def photo(png: Callable[..., bytes], tmp_path: Path) -> Path:
    path = tmp_path / "mein Käse.png"
    path.write_bytes(png(7))
    return path


def test_only_documented_endpoints(api: Client) -> None:
    found = api.view_api(return_format="dict", print_info=False)
    assert isinstance(found, dict)
    assert set(found["named_endpoints"]) == {f"/{name}" for name in ENDPOINTS}
    assert found["unnamed_endpoints"] == {}
    for endpoint in found["named_endpoints"].values():
        assert endpoint["description"]
    parameters = found["named_endpoints"]["/stylize_photo"]["parameters"]
    assert [each["parameter_name"] for each in parameters] == [
        *("photo", "style", "strength", "keep_colors", "stroke_size")
    ]
    assert [each["parameter_has_default"] for each in parameters] == [False, False, True, True, True]


def test_example_of_the_documentation(
    served: Any, photo: Path, painting: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it stands in the documentation, but for the address."""
    clients = []

    def connect(address: str) -> Client:
        assert address == "http://127.0.0.1:7860/"
        options: dict[str, Any] = {"verbose": False, "analytics_enabled": False}
        clients.append(Client(served.address, download_files=str(tmp_path), **options))
        return clients[-1]

    write_image(read_image(photo), tmp_path / "me.jpg")
    write_image(read_image(painting), tmp_path / "p.jpg")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gradio_client.Client", connect)
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    clients[0].close()
    assert names["styles"][0] in shipped_styles()
    assert read_image(names["file"]).shape == read_image(photo).shape


def test_list_styles(api: Client) -> None:
    assert api.predict(api_name="/list_styles") == [*shipped_styles(), "mine"]


def test_stylize_photo(api: Client, photo: Path) -> None:
    result = api.predict(
        handle_file(photo), "starry_night", strength=0.5, keep_colors=True, api_name="/stylize_photo"
    )
    assert Path(result).name == photo.name
    expected = load_style("starry_night").paint(read_image(photo), Controls(0.5, preserve_color=True))
    assert (read_image(result) - expected).abs().mean() < 0.01


def test_stylize_like_painting(
    api: Client, photo: Path, painting: Path, any_painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = api.predict(
        handle_file(photo), handle_file(painting), strength=0.5, api_name="/stylize_like_painting"
    )
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))
    expected = style_from(painting).paint(read_image(photo), Controls(0.5))
    assert (read_image(result) - expected).abs().mean() < 0.01


@pytest.mark.parametrize(
    ("style", "strength", "said"),
    [
        ("nosuch", 1.0, "there is no style .*nosuch.*choose from"),
        ("/etc/passwd", 1.0, "there is no style"),
        ("starry_night", 99, "99"),
    ],
)
def test_wrong_api_values_are_refused(
    style: str, strength: float, said: str, api: Client, photo: Path
) -> None:
    with pytest.raises(AppError, match=said):
        api.predict(handle_file(photo), style, strength, api_name="/stylize_photo")


def test_non_image_upload_is_refused(api: Client, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("This is no picture.")
    with pytest.raises(AppError, match=r"text\.jpg: not an image"):
        api.predict(handle_file(tmp_path / "text.jpg"), "starry_night", api_name="/stylize_photo")


@pytest.mark.parametrize("name", ["stylize", "look", "start", "train", "watch", "add_painting"])
def test_private_events_cannot_be_called(name: str, api: Client) -> None:
    with pytest.raises(ValueError, match="Cannot find a function"):
        api.predict(api_name=f"/{name}")
