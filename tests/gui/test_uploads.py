"""Which of the files that visitors have sent stay, and which are removed when one of them leaves."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ganstyle.gui.sessions import Sessions
from ganstyle.gui.uploads import queued_uploads


def blocks_with(**jobs: Any) -> Any:
    """An application in whose queue are jobs, by their sessions, with what clients have sent for them."""
    events = {
        session: SimpleNamespace(
            session_hash=session, data=None if sent is None else SimpleNamespace(data=sent)
        )
        for session, sent in jobs.items()
    }
    return SimpleNamespace(_queue=SimpleNamespace(event_ids_to_events=events))


def test_uploads_of_jobs_in_the_queue() -> None:
    file = {"path": "/tmp/a/me.jpg", "meta": {"_type": "gradio.FileData"}}
    layers = {"background": {"path": "/tmp/b/x.png"}, "layers": [{"path": "/tmp/c/y.png"}, None]}
    several = [[{"path": "/tmp/d/1.jpg"}, {"path": "/tmp/e/2.jpg"}], "wave", 1.0]
    found = queued_uploads(blocks_with(one=[file, layers, 0.5], other=several, begun=None))
    assert set(found) == {
        *(("one", Path(path)) for path in ("/tmp/a/me.jpg", "/tmp/b/x.png", "/tmp/c/y.png")),
        *(("other", Path(path)) for path in ("/tmp/d/1.jpg", "/tmp/e/2.jpg")),
    }


@pytest.mark.parametrize(
    "sent", [[], [None, "path", 3], [{"path": None}], [{"path": ["/tmp/x"]}], [[[]]], {}]
)
def test_malformed_jobs_name_no_uploads(sent: Any) -> None:
    assert queued_uploads(blocks_with(one=sent)) == []


def abandoned_upload(folder: Path, name: str) -> Path:
    """Return an upload that nobody has come to use for long."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.touch()
    os.utime(path, (0, 0))
    return path


def test_unused_uploads_are_removed(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path, 1000)
    names = ["a" * 64 + "/me.jpg", "b" * 64 + "/mine.jpg", "tmpabc"]
    unused, used, broken_off = (abandoned_upload(tmp_path, name) for name in names)
    fresh = tmp_path / ("a" * 64) / "new.jpg"
    fresh.touch()
    (tmp_path / "tmp-folder").mkdir()
    (tmp_path / ("c" * 64)).touch()  # no folder, though named like one
    sessions.claim("b", used)
    sessions.close("a")
    assert not unused.exists()
    assert not broken_off.exists()
    assert used.exists()
    assert fresh.exists()


def test_uploads_of_a_waiting_job_stay(tmp_path: Path) -> None:
    """However long it waits, and also when somebody else leaves who sent the same photo."""
    names = [letter * 64 + "/me.jpg" for letter in "abc"]
    photo, painting, shared = (abandoned_upload(tmp_path, name) for name in names)
    waiting = {("api", photo), ("api", painting), ("api", shared)}
    sessions = Sessions(tmp_path, 1000, queued=lambda: waiting)
    sessions.claim("a", shared)
    sessions.close("a")
    assert all(path.exists() for path in (photo, painting, shared))
    sessions.claim("api", photo)
    sessions.close("api")
    assert not photo.exists()
    waiting.clear()
    sessions.close("b")
    assert not painting.exists()
    assert not shared.exists()


def test_concurrent_closes_of_a_shared_upload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a folder may be gone at any moment between two looks at it."""
    first, second = (abandoned_upload(tmp_path, c * 64 + "/me.jpg") for c in "ab")
    look, listed = Path.stat, Path.iterdir

    def stat(self: Path, **keywords: bool) -> os.stat_result:
        if self == first:
            first.unlink(missing_ok=True)
        return look(self, **keywords)

    def iterdir(self: Path) -> object:
        if self == second.parent:
            raise FileNotFoundError(self)
        return listed(self)

    monkeypatch.setattr(Path, "stat", stat)
    monkeypatch.setattr(Path, "iterdir", iterdir)
    Sessions(tmp_path, 1000).close("a")


def test_uploads_wait_with_their_jobs(
    connect: Callable[..., Any], png: Callable[..., bytes], served: Any
) -> None:
    """A visitor who leaves removes what nobody uses, but not what jobs in the queue were given."""
    worker, program, other, leaver = (connect(name) for name in ("at work", "program", "another", "leaving"))
    uploads = [
        program.upload("me.png", png(10)),
        program.upload("p.png", png(11)),
        other.upload("x.png", png(12)),
    ]
    abandoned = leaver.upload("y.png", png(13))
    with worker.http.stream("GET", f"gradio_api/heartbeat/{worker.session}") as alive:
        lines = alive.iter_lines()  # kept, for the connection ends with it
        assert next(lines)
        pair = worker.upload("x.png", png(0, 512)), worker.upload("y.png", png(1, 512))
        assert worker.join("optimize", *pair, "lbfgs", 500, 512, 30, "off").status_code == 200
        assert program.join("stylize_like_painting", *uploads[:2], 1, False, 1).status_code == 200
        assert other.join("stylize_photo", uploads[2], "wave", 1, False, 1).status_code == 200
        for each in (*uploads, abandoned):
            os.utime(each["path"], (0, 0))  # as if they had waited for long
        leaver.leave()
        deadline = time.monotonic() + 60
        while Path(abandoned["path"]).exists():
            assert time.monotonic() < deadline
            time.sleep(0.1)
    for each in (program, other):
        values, error = each.wait()
        assert error is None
        assert values[0]["path"]
        each.leave()
    worker.leave()
