"""The running interface, asked over HTTP: what it refuses, and what it does when many come at once."""

import json
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
from torch import Tensor

from ganstyle.gui.app import ENDPOINTS, MAX_QUEUE, QUEUE_FULL
from ganstyle.images import decode_image
from ganstyle.style import load_style, shipped_styles
from ganstyle.stylize import stylize_image
from tests.gui.conftest import CONTROLS

FullQueue = Callable[[], AbstractContextManager[None]]


def result_of(values: list[Any]) -> dict[str, Any]:
    """Return the file among a job's values."""
    file: dict[str, Any] = values[1]["value"]
    return file


def is_like(content: bytes, expected: Tensor) -> bool:
    """Say whether a file shows this; the server computes in bfloat16 where the processor does."""
    return (decode_image(content, "x") - expected).abs().mean().item() < 0.01


def test_a_photo_is_stylized_and_keeps_its_name(client: Any, png: Callable[..., bytes]) -> None:
    content = png(7)
    values, error = client.run("stylize", client.upload("mein Käse.png", content), "starry_night", *CONTROLS)
    assert error is None
    file = result_of(values)
    assert Path(file["path"]).name == "mein Käse.png"
    expected = stylize_image(load_style("starry_night").generator, decode_image(content, "x"))
    assert is_like(client.fetch(file), expected)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.jpg", b"This is no picture.", "text.jpg: not an image"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0", "cut.png: "),
        ("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "x.svg: "),
        ("empty.png", b"", "empty.png: "),
        ("<b>.jpg", b"no", "b.jpg: "),
    ],
)
def test_bad_uploads(client: Any, name: str, content: bytes, said: str) -> None:
    for job in ("stylize", "receive"):
        values = (client.upload(name, content), "starry_night", *CONTROLS)
        _, error = client.run(job, *values[: 1 if job == "receive" else None])
        assert error
        assert error.startswith(said)
        assert len(error.splitlines()) == 1
        assert "/" not in error.partition(":")[0]  # nothing of where it lies on this machine


def test_oversized_image_header_is_refused(
    client: Any, huge_png: Callable[[int], bytes], served: Any
) -> None:
    before = psutil.Process(served.process.pid).memory_info().rss
    _, error = client.run("stylize", client.upload("x.png", huge_png(60_000)), "starry_night", *CONTROLS)
    assert error
    assert "60000x60000" in error
    assert psutil.Process(served.process.pid).memory_info().rss - before < 100e6


def test_upload_of_25_megabytes(client: Any) -> None:
    answer = client.http.post("gradio_api/upload", files={"files": ("x.png", bytes(25_000_000), "image/png")})
    assert answer.status_code == 413
    assert "maximum allowed size of 20971520 bytes" in answer.text


def test_path_traversal_in_file_names_is_refused(client: Any, png: Callable[..., bytes], served: Any) -> None:
    upload = client.upload("../../etc/passwd", png())
    assert Path(upload["path"]).is_relative_to(served.temporary)
    values, error = client.run("stylize", upload, "starry_night", *CONTROLS)
    assert error is None
    path = Path(result_of(values)["path"])
    assert path.is_relative_to(served.temporary)
    assert path.name == "passwd.png"


@pytest.mark.parametrize(
    "file",
    [
        {"path": "/etc/passwd"},
        {"path": "../../../../etc/passwd"},
        {"path": __file__},
        {"path": "http://127.0.0.1:1/x.png"},
        {"path": None, "url": "http://127.0.0.1:1/x.png"},
        {"path": None, "url": "file:///etc/passwd"},
        {"path": None, "url": "data:image/png;base64,AAAA"},
    ],
)
@pytest.mark.parametrize("job", ["stylize", "receive"])
def test_only_uploaded_files_are_read(client: Any, file: dict[str, Any], job: str) -> None:
    sent = {"orig_name": "x.png", "meta": {"_type": "gradio.FileData"}, **file}
    answer = client.join(job, *((sent,) if job == "receive" else (sent, "starry_night", *CONTROLS)))
    values, error = client.wait()
    assert answer.status_code == 200
    assert "value" not in str(values)
    assert error is None or "uploaded" in error
    assert not values


@pytest.mark.parametrize("style", ["/etc/passwd", "../checkpoints/starry_night.safetensors", "", None, 3])
def test_unlisted_styles_are_refused(client: Any, png: Callable[..., bytes], style: object) -> None:
    values, error = client.run("stylize", client.upload("x.png", png()), style, *CONTROLS)
    assert not values
    assert error
    assert "choices" in error or "there is no style" in error


@pytest.mark.parametrize("run", ["/etc", "../..", "."])
def test_unlisted_runs_are_refused(client: Any, run: str, runs_folder: Path) -> None:
    """A path that a client names is never opened."""
    (runs_folder / "mine").mkdir(parents=True)
    (runs_folder / "mine" / "scores.jsonl").touch()
    number = next(each["id"] for each in client.config["dependencies"] if each["api_name"] == "look")
    job = {"data": [run, None], "fn_index": number, "session_hash": client.session}
    answer = client.http.post("gradio_api/run/predict", json=job).json()
    assert "data" not in answer
    assert "not in the list of choices" in answer["error"]


def look(client: Any, run: str | None) -> list[Any]:
    """Return what the tab of the runs shows."""
    number = next(each["id"] for each in client.config["dependencies"] if each["api_name"] == "look")
    job = {"data": [run, None], "fn_index": number, "session_hash": client.session}
    values: list[Any] = client.http.post("gradio_api/run/predict", json=job).json()["data"]
    return values


def test_runs_are_searched_before_none_is_reported(client: Any, runs_folder: Path) -> None:
    page = json.dumps(client.config)
    assert "Looking for runs" in page
    assert "There are no runs" not in page
    assert "There are no runs yet" in look(client, None)[3]


def test_run_paths_are_not_disclosed(client: Any, runs_folder: Path) -> None:
    broken, locked = runs_folder / "broken", runs_folder / "locked"
    said = [client.config, look(client, None)]
    broken.mkdir(parents=True)
    (broken / "scores.jsonl").write_text("{")
    said.append(look(client, None))
    assert "Run broken: has a damaged file" in said[-1][2]
    shutil.rmtree(broken)
    (locked / "tensorboard").mkdir(parents=True)
    (locked / "scores.jsonl").mkdir()
    (locked / "samples" / "step-000001.jpg").mkdir(parents=True)
    said.append(look(client, None))
    assert "Run locked: cannot be read (Is a directory)" in said[-1][2]
    for each in said:
        assert str(runs_folder.parent) not in json.dumps(each)


@pytest.mark.parametrize("limits", [(0, 256), (10**9, 256), (10, 100_000)])
def test_values_outside_the_sliders_are_refused(
    client: Any, png: Callable[..., bytes], limits: tuple[int, int]
) -> None:
    photo, painting = client.upload("x.png", png()), client.upload("y.png", png(1))
    values, error = client.run("optimize", photo, painting, "lbfgs", *limits, 30, "off")
    assert not values
    assert error


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "..%2F..%2Fetc%2Fpasswd",
        str(Path(__file__)),
        str(Path(__file__).parents[2] / "checkpoints" / "starry_night.safetensors"),
        "~/.ssh/id_rsa",
        "http://127.0.0.1:1/",
    ],
)
def test_files_outside_the_app_are_not_served(client: Any, path: str) -> None:
    for prefix in ("gradio_api/file=", "gradio_api/file/", "file=", "gradio_api/proxy="):
        answer = client.http.get(f"{prefix}{path}")
        assert answer.status_code in (403, 404), prefix
        assert "root:" not in answer.text


def test_no_requests_to_other_hosts(client: Any) -> None:
    assert client.config["analytics_enabled"] is False
    page = client.http.get("").text
    for host in ("googleapis", "gstatic", "cdnjs", "jsdelivr", "unpkg"):
        assert host not in page
    public = {
        each["api_name"] for each in client.config["dependencies"] if each["api_visibility"] != "private"
    }
    assert public == set(ENDPOINTS)


def test_full_queue_is_refused(client: Any, png: Callable[..., bytes], full_queue: FullQueue) -> None:
    job = ("stylize", client.upload("x.png", png()), "starry_night", *CONTROLS)
    with full_queue():
        answer = client.join(*job)
        assert answer.status_code == 429
        assert answer.json() == {"detail": "The queue is full: 12 jobs are waiting. Try again in a minute."}
    _, error = client.run(*job)
    assert error is None


def test_twenty_concurrent_requests(
    connect: Callable[..., Any], png: Callable[..., bytes], served: Any
) -> None:
    """All get their own result or are told that the queue is full, and the memory comes back."""
    generator = load_style("starry_night").generator
    server = psutil.Process(served.process.pid)

    def visit(number: int) -> str:
        client, content = connect(f"visitor {number}"), png(number, 48)
        answer = client.join("stylize", client.upload(f"{number}.png", content), "starry_night", *CONTROLS)
        if answer.status_code == 429:
            assert QUEUE_FULL in answer.text
            return "full"
        values, error = client.wait()
        assert error is None
        file = result_of(values)
        assert Path(file["path"]).name == f"{number}.png"
        expected = stylize_image(generator, decode_image(content, "x"))
        assert is_like(client.fetch(file), expected)
        return "done"

    def everybody() -> list[str]:
        with ThreadPoolExecutor(20) as pool:
            return list(pool.map(visit, range(20)))

    first = everybody()  # pays for what is kept for good
    level = server.memory_info().rss
    second = everybody()
    for outcome in (first, second):
        assert set(outcome) <= {"done", "full"}
        assert outcome.count("done") >= MAX_QUEUE
    deadline = time.monotonic() + 20
    while server.memory_info().rss > level + 30e6 and time.monotonic() < deadline:
        time.sleep(0.5)
    assert server.memory_info().rss <= level + 30e6


def test_leaving_visitor_frees_the_queue(
    connect: Callable[..., Any], png: Callable[..., bytes], served: Any
) -> None:
    """A job of minutes ends when its visitor's tab is closed, and the next in the queue has its turn."""
    leaver, other = connect("leaver"), connect("other")
    photo, painting = leaver.upload("x.png", png(0, 512)), leaver.upload("y.png", png(1, 512))
    began = time.monotonic()
    with leaver.http.stream("GET", "gradio_api/heartbeat/leaver") as alive:
        lines = alive.iter_lines()  # kept, for the connection ends with it
        assert next(lines)
        assert leaver.join("optimize", photo, painting, "lbfgs", 500, 512, 30, "off").status_code == 200
        joined = other.join("stylize", other.upload("z.png", png(2)), "starry_night", *CONTROLS)
        assert joined.status_code == 200
        time.sleep(2)
    _, error = other.wait()
    assert error is None
    assert time.monotonic() - began < 40
    assert "x-optimized.png" not in {path.name for path in served.paths()}  # the best so far is for nobody


def test_password_is_required(another: Callable[..., Any], png: Callable[..., bytes], tmp_path: Path) -> None:
    with another("--host", "0.0.0.0", "--auth", "me:secret") as served:
        address = served.address.replace("0.0.0.0", "127.0.0.1")
        with httpx.Client(base_url=address, follow_redirects=False) as stranger:
            page = stranger.get("").text
            assert not [name for name in shipped_styles() if name in page]
            for path in (
                "config",
                "gradio_api/info",
                "gradio_api/file=/etc/passwd",
                "gradio_api/queue/status",
            ):
                assert stranger.get(path).status_code in (401, 403), path
            upload = stranger.post("gradio_api/upload", files={"files": ("x.png", png())})
            assert upload.status_code == 401
            wrong = stranger.post("login", data={"username": "me", "password": "wrong"})
            assert wrong.status_code == 400
            right = stranger.post("login", data={"username": "me", "password": "secret"})
            assert right.status_code == 200
            assert stranger.get("config").status_code == 200
