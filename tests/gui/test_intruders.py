"""What a stranger, or a page of another site, tries on the running interface."""

import resource
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.gui.conftest import BRIEF, CONTROLS, Client, Served, run_gui
from tests.gui.test_http import result_of
from tests.small_disk import fill, small_disk

# `tests.gui.test_middleware` checks how long the waits are; here they only have to be there.
_DELAY = 0.5
_SHORT_DELAYS = f"from ganstyle.gui import middleware; middleware._LONGEST_DELAY = {_DELAY}"


def test_forms_of_another_site_are_refused(client: Any, png: Callable[..., bytes], served: Served) -> None:
    before = served.paths()
    evil = {"Origin": "http://evil.example"}
    for path, sent in (
        ("gradio_api/upload", {"files": {"files": ("x.png", png())}}),
        ("gradio_api/queue/join", {"content": b"{}"}),
        ("gradio_api/call/list_styles", {"json": {"data": []}}),
        ("login", {"data": {"username": "me", "password": "x"}}),
    ):
        assert client.http.post(path, headers=evil, **sent).status_code == 403
        assert client.http.post(path, headers={"Sec-Fetch-Site": "cross-site"}, **sent).status_code == 403
    assert served.paths() == before


def test_foreign_name_for_this_machine_is_refused(client: Any) -> None:
    answer = client.http.get("config", headers={"Host": "evil.example:7860"})
    assert answer.status_code == 403
    assert "for this machine only" in answer.json()["detail"]


def test_aborted_upload_leaves_no_file(client: Any, served: Served) -> None:
    where = client.http.base_url
    form = '--x\r\nContent-Disposition: form-data; name="files"; filename="x.png"\r\n\r\nhalf'
    head = (
        f"POST /gradio_api/upload HTTP/1.1\r\nHost: {where.host}\r\nContent-Length: 9999\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    )
    before = served.errors.read_text()
    with socket.create_connection((where.host, where.port), timeout=30) as connection:
        connection.sendall(f"{head}{form}".encode())
        time.sleep(0.5)
    time.sleep(0.5)
    assert client.http.get("config").status_code == 200
    assert served.errors.read_text() == before


def test_files_of_another_visitor_are_not_served(
    connect: Callable[..., Any], png: Callable[..., bytes], served: Served
) -> None:
    owner, thief = connect("owner"), connect("thief")
    values, error = owner.run("stylize", owner.upload("mine.png", png(3)), "starry_night", *CONTROLS)
    assert error is None
    path = Path(result_of(values)["path"])
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        for name in ("", "/", "/.", "/*", "/mine.png"):
            if (folder / name.strip("/")) != path:
                answer = thief.http.get(f"gradio_api/file={folder}{name}")
                assert answer.status_code in (403, 404), (name, answer.status_code)
    assert not thief.http.get("gradio_api/monitoring").is_success
    sent = {"path": str(path.parent), "orig_name": "x.png", "meta": {"_type": "gradio.FileData"}}
    values, error = thief.run("stylize", sent, "starry_night", *CONTROLS)
    assert not values
    owner.leave()


def test_guessing_the_password_gets_slow(another: Callable[..., Any]) -> None:
    with (
        another("--auth", "me:secret", setup=_SHORT_DELAYS) as served,
        httpx.Client(base_url=served.address, timeout=60, limits=BRIEF) as stranger,
    ):

        def guess(password: str) -> tuple[int, float]:
            began = time.monotonic()
            answer = stranger.post(f"{served.address}login", data={"username": "me", "password": password})
            return answer.status_code, time.monotonic() - began

        assert [guess(f"{number}")[0] for number in range(5)] == [400] * 5
        with ThreadPoolExecutor(10) as pool:
            many = [status for status, _ in pool.map(guess, ["wrong"] * 10)]
        assert set(many) == {400, 429}
        status, took = guess("secret")
        assert status == 200
        assert took >= _DELAY
        assert guess("wrong")[0] == 400
        assert guess("secret")[0] == 200


@pytest.mark.slow
def test_full_disk_and_short_memory_are_one_line(tmp_path: Path, png: Callable[..., bytes]) -> None:
    with small_disk(tmp_path / "tmp", 3), run_gui(tmp_path) as served:
        client, content = Client(served.address, "unlucky"), png(0, 400)

        def paint(name: str, data: bytes) -> tuple[list[Any], str | None]:
            return client.run("stylize", client.upload(name, data), "starry_night", *CONTROLS)

        assert paint("first.png", png())[1] is None
        sent = client.upload("x.png", content)
        filler = served.temporary / "filler"
        fill(filler)
        _, error = client.run("stylize", sent, "starry_night", *CONTROLS)
        assert error
        assert "No space left on device" in error
        assert str(tmp_path) not in error
        answer = client.http.post("gradio_api/upload", files={"files": ("y.png", content, "image/png")})
        assert answer.status_code == 507
        assert "disk is full" in answer.text
        filler.unlink()
        assert paint("second.png", png(2))[1] is None

        server = psutil.Process(served.process.pid)
        server.rlimit(resource.RLIMIT_AS, (server.memory_info().vms + 30 * 2**20, resource.RLIM_INFINITY))
        _, error = paint("large.png", png(1, 512))
        assert error
        assert len(error.splitlines()) == 1
        assert "memory" in error
        server.rlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert paint("third.png", png(3))[1] is None
        client.leave()
        client.http.close()
