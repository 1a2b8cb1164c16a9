"""Behind a reverse proxy that serves the interface under a path prefix."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from ganstyle.images import read_image
from ganstyle.shipped import EXAMPLE_PHOTO

expect.set_options(timeout=60_000)

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"}


@contextmanager
def reverse_proxy(prefix: str, *, keep_host: bool) -> Iterator[tuple[str, dict[str, str]]]:
    """Serve what is at ``target["address"]`` under a prefix, as nginx does.

    Args:
        prefix: removed from each path; anything else is 404.
        keep_host: whether the server learns which host the browser asked for.

    Yields:
        The proxy's address with the prefix, and a dictionary that takes the server's.
    """
    target: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.0"

        def do_GET(self) -> None:
            if not self.path.startswith(f"{prefix}/"):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {k: v for k, v in self.headers.items() if k.lower() not in (*_HOP_BY_HOP, "host")}
            if keep_host:
                headers["Host"] = self.headers["Host"]
            url = target["address"].rstrip("/") + self.path.removeprefix(prefix)
            with httpx.stream(self.command, url, headers=headers, content=body, timeout=120) as answer:
                self.send_response(answer.status_code)
                for name, value in answer.headers.multi_items():
                    if name.lower() not in _HOP_BY_HOP:
                        self.send_header(name, value)
                self.end_headers()
                try:
                    for chunk in answer.iter_bytes():
                        self.wfile.write(chunk)
                        self.wfile.flush()
                except OSError:
                    return  # the browser has left
                except httpx.HTTPError:
                    return  # the server has ended

        do_POST = do_GET  # noqa: N815

        def log_message(self, *arguments: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{prefix}/", target
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.slow
@pytest.mark.parametrize("whole_address", [False, True])
def test_download_behind_a_path_prefix(
    whole_address: bool,
    another: Callable[..., AbstractContextManager[Any]],
    browser: BrowserContext,
    tmp_path: Path,
) -> None:
    with (
        reverse_proxy("/tools/ganstyle", keep_host=not whole_address) as (address, target),
        another(
            *("--root-path", address if whole_address else "/tools/ganstyle", "--max-upload", "30mb")
        ) as served,
        browser.new_page() as page,
    ):
        target["address"] = served.address
        strays: list[str] = []
        page.on(
            "request",
            lambda r: None if r.url.startswith((address, "data:", "blob:")) else strays.append(r.url),
        )
        page.on("response", lambda r: strays.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.goto(address)
        page.set_input_files("#photo input[type=file]", EXAMPLE_PHOTO)
        expect(page.locator("#slider img")).to_have_count(2)
        for image in page.locator("#slider img, #thumbnails img").all():
            assert image.evaluate("e => e.decode().then(() => e.naturalWidth)") > 0
        page.click("#full")
        with page.expect_download() as download:
            page.click("#download")
        assert read_image(download.value.path()).shape == read_image(EXAMPLE_PHOTO).shape
        assert strays == []
        for size, status in ((25_000_000, 200), (35_000_000, 413)):
            file = {"files": ("x.png", bytes(size), "image/png")}
            assert httpx.post(f"{address}gradio_api/upload", files=file, timeout=60).status_code == status
