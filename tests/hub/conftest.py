"""A small Hugging Face Hub on this machine."""

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest

COMMIT = "a" * 40


@dataclass
class FakeHub:
    """Repositories by name and revision, as far as downloading a file and making a commit need them.

    Attributes:
        files: ``(repository, revision)`` → files by name.
        refusals: repository → status and ``X-Error-Code`` of every answer about it.
        token: what a request must bring to write.
        requests: method and path of each request.
        private: repositories that were made private.
    """

    url: str = ""
    files: dict[tuple[str, str], dict[str, bytes]] = field(default_factory=dict)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    token: str = "hf_secret"
    requests: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    private: dict[str, bool | None] = field(default_factory=dict)

    def add(self, repo: str, name: str, content: bytes, revision: str = "main") -> None:
        self.files.setdefault((repo, revision), {})[name] = content


class _Handler(BaseHTTPRequestHandler):
    hub: FakeHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        pass

    def answer(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        *,
        length: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with suppress(BrokenPipeError):
                self.wfile.write(body)

    def json(self, values: Any) -> None:
        self.answer(200, json.dumps(values).encode(), {"Content-Type": "application/json"})

    def refuse(self, status: int, code: str) -> None:
        self.answer(status, headers={"X-Error-Code": code, "X-Error-Message": code})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        hub, path = self.note()
        repo, rest = self.split(path.removeprefix("api/models/"))
        if repo in hub.refusals:
            return self.refuse(*hub.refusals[repo])
        if not any(repo == known for known, _ in hub.files):
            return self.refuse(401, "RepoNotFound")
        kind, _, rest = rest.partition("/")
        revision, _, name = rest.partition("/")
        if rest.startswith("refs/"):
            *parts, name = rest.split("/", 3)
            revision = "/".join(parts)
        if (repo, revision or "main") not in hub.files:
            return self.refuse(404, "RevisionNotFound")
        files = hub.files[repo, revision or "main"]
        if path.startswith("api/models/"):
            entries = [{"type": "file", "path": f, "oid": "0" * 40, "size": len(c)} for f, c in files.items()]
            siblings = [{"rfilename": f} for f in files]
            return self.json(entries if kind == "tree" else {"id": repo, "sha": COMMIT, "siblings": siblings})
        if name not in files:
            return self.refuse(404, "EntryNotFound")
        content = files[name]
        etag = f'"{hashlib.sha256(content).hexdigest()}"'
        self.answer(200, content, {"ETag": etag, "X-Repo-Commit": COMMIT})
        return None

    def do_POST(self) -> None:
        hub, path = self.note()
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if path == "api/validate-yaml":
            return self.json({"errors": [], "warnings": []})
        if self.headers["Authorization"] != f"Bearer {hub.token}":
            return self.refuse(401, "")
        if path == "api/repos/create":
            asked = json.loads(body)
            repo = "/".join(filter(None, [asked.get("organization") or "me", asked["name"]]))
            if repo in hub.refusals:
                return self.refuse(*hub.refusals[repo])
            hub.files.setdefault((repo, "main"), {})
            hub.private[repo] = asked.get("private", asked.get("visibility") == "private" or None)
            return self.json({"url": f"{hub.url}/{repo}", "id": repo})
        repo, rest = self.split(path.removeprefix("api/models/"))
        kind, _, revision = rest.partition("/")
        if (repo, revision) not in hub.files:
            return self.refuse(404, "RevisionNotFound")
        if kind == "preupload":
            files = [
                {"path": file["path"], "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
            return self.json({"files": files})
        assert kind == "commit"
        for line in map(json.loads, body.splitlines()):
            if line["key"] == "file":
                hub.add(repo, line["value"]["path"], base64.b64decode(line["value"]["content"]), revision)
        return self.json(
            {"commitUrl": f"{hub.url}/{repo}/commit/{COMMIT}", "commitOid": COMMIT, "hookOutput": ""}
        )

    def note(self) -> tuple[FakeHub, str]:
        path = unquote(self.path.partition("?")[0]).strip("/")
        self.hub.requests.append(f"{self.command} {path}")
        self.hub.tokens.append(self.headers.get("Authorization", ""))
        return self.hub, path

    def split(self, path: str) -> tuple[str, str]:
        user, name, *rest = [*path.split("/", 2), ""]
        return f"{user}/{name}", rest[0]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeHub]:
    """Serve a Hub that huggingface_hub is pointed to, with an empty cache."""
    from huggingface_hub import constants

    known = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": known})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    known.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", known.url)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hf" / "hub"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hf" / "token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    yield known
    server.shutdown()
    server.server_close()
    thread.join()
