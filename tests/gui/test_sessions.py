import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from ganstyle.errors import GanstyleError
from ganstyle.gui.sessions import (
    JobResult,
    JobStopped,
    Sessions,
    exclusive,
    is_idle,
    run_job,
    stoppable,
    wait_until_idle,
)


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, timeout=1000)


def test_closed_session_removes_its_files(sessions: Sessions, tmp_path: Path) -> None:
    mine, again, other = (sessions.new_folder(name) for name in ("a", "a", "b"))
    assert len({mine, again, other}) == 3
    for folder in (mine, again, other):
        (folder / "result.png").touch()
    sessions.close("a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other / "result.png"]
    sessions.close("nobody")


def test_shared_upload_is_removed_with_its_last_session(sessions: Sessions, tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.jpg", tmp_path / "own.jpg"
    shared.touch()
    own.touch()
    sessions.claim("a", shared, own)
    sessions.claim("b", shared)
    sessions.close("a")
    assert shared.exists()
    assert not own.exists()
    sessions.close("b")
    assert not shared.exists()


def test_silent_session_expires(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("ganstyle.gui.sessions.time.monotonic", lambda: now)
    sessions = Sessions(tmp_path, timeout=10)
    folder = sessions.new_folder("a")
    now = 5.0
    sessions.new_folder("b")
    assert folder.exists()
    now = 12.0
    sessions.new_folder("c")
    assert not folder.exists()


def test_stop_cancels_a_waiting_job(sessions: Sessions) -> None:
    armed = sessions.register_job("a", "paint")
    sessions.stop_job("a", "paint")
    with sessions.job("a", "paint") as stop:
        assert stop is armed
        assert stop.is_set()
    with sessions.job("a", "paint") as stop:
        assert not stop.is_set()


def test_job_that_never_starts_is_dropped(sessions: Sessions) -> None:
    sessions.register_job("a", "paint").set()
    sessions.forget_job("a", "paint")
    sessions.forget_job("a", "paint")
    with sessions.job("a", "paint") as stop:
        assert not stop.is_set()


def test_stop_does_not_affect_other_sessions(sessions: Sessions) -> None:
    with (
        sessions.job("a", "paint") as mine,
        sessions.job("b", "paint") as other,
        sessions.job("a", "compare") as another,
    ):
        sessions.stop_job("a", "paint")
        assert (mine.is_set(), other.is_set(), another.is_set()) == (True, False, False)


def test_files_written_after_the_session_closed_are_removed(sessions: Sessions) -> None:
    with sessions.job("a", "paint"):
        sessions.close("a")
        late = sessions.new_folder("a")
        assert late.exists()
    assert not late.exists()
    with sessions.job("b", "paint"):
        kept = sessions.new_folder("b")
    assert kept.exists()


def test_closing_a_session_stops_all_its_jobs(sessions: Sessions) -> None:
    with sessions.job("a", "paint") as mine, sessions.job("b", "paint") as other:
        sessions.close("a")
        assert mine.is_set()
        assert not other.is_set()


def test_end_of_each_session_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its page says so, or is not heard of again."""
    now, ended = 0.0, list[str]()
    monkeypatch.setattr("ganstyle.gui.sessions.time.monotonic", lambda: now)
    sessions = Sessions(tmp_path, 10, at_close=ended.append)
    sessions.new_folder("leaves")
    sessions.claim("silent")  # has no files, but something else that must not stay
    sessions.close("leaves")
    assert ended == ["leaves"]
    now = 12.0
    sessions.new_folder("other")
    assert ended == ["leaves", "silent"]


def test_close_all_removes_files_and_lets_no_job_write(sessions: Sessions, tmp_path: Path) -> None:
    result = sessions.new_folder("a") / "result.png"
    uploads = [tmp_path / ("a" * 64) / "me.jpg", tmp_path / "tmparriving"]
    for path in (result, *uploads):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    with sessions.job("a", "paint") as running:
        sessions.close_all()
        assert running.is_set()
        with pytest.raises(GanstyleError, match="closing"):
            sessions.new_folder("a")
    with sessions.job("b", "paint") as late:
        assert late.is_set()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_job_yields_the_result_last() -> None:
    def work(report: Callable[[int], None]) -> str:
        for number in range(5):
            report(number)
            time.sleep(0.1)
        return "done"

    *reports, last = run_job(work, threading.Event())
    assert last == JobResult("done")
    assert reports
    assert reports == sorted(set(reports))  # type: ignore[type-var]


def test_job_errors_are_raised() -> None:
    def work(report: Callable[[int], None]) -> None:
        raise GanstyleError("no")

    with pytest.raises(GanstyleError, match="no"):
        list(run_job(work, threading.Event()))


def test_closing_the_stream_stops_the_job() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work(report: Callable[[int], None]) -> None:
        report(1)
        stop.wait(10)
        ended.set()

    steps = run_job(work, stop)
    assert next(steps) == 1
    steps.close()  # type: ignore[attr-defined]
    assert ended.is_set()


def test_jobs_run_one_at_a_time() -> None:
    """Also when a job goes on whose visitor has left."""
    stop = threading.Event()
    assert is_idle()
    with exclusive(threading.Event()):
        assert not is_idle()
        wait_until_idle(0.1)
        threading.Timer(0.3, stop.set).start()
        with pytest.raises(JobStopped):
            list(run_job(lambda report: None, stop))
    assert list(run_job(lambda report: 1, threading.Event())) == [JobResult(1)]


@pytest.mark.parametrize("fails", [False, True])
def test_job_returns_freed_memory(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the next one begins."""
    released = []
    monkeypatch.setattr("ganstyle.gui.sessions.release_free_memory", lambda: released.append(is_idle()))
    work = (lambda report: 1 / 0) if fails else (lambda report: 1)
    with suppress(ZeroDivisionError):
        list(run_job(work, threading.Event()))
    assert released == [False]
    assert is_idle()


def test_job_stopped_while_waiting_does_not_run() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(JobStopped):
        list(run_job(lambda report: pytest.fail("it has begun"), stop))


def test_generator_stops_between_layers() -> None:
    stop, done = threading.Event(), []
    last = nn.ReLU()
    generator = nn.Sequential(nn.ReLU(), nn.Sequential(nn.ReLU()), last)

    def report(part: float) -> None:
        done.append(part)
        if len(done) == 2:
            stop.set()

    last.register_forward_hook(lambda *_: pytest.fail("the last layer has run"))
    with pytest.raises(JobStopped), stoppable(generator, stop, report):
        generator(torch.zeros(1))
    assert done == [0, pytest.approx(1 / 3)]
    assert not any(module._forward_pre_hooks for module in generator.modules())


def test_job_of_a_closed_session_does_not_run(sessions: Sessions, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("ganstyle.gui.sessions.time.monotonic", lambda: now)
    sessions.close("a")
    with sessions.job("a", "api") as stop:
        assert stop.is_set()
        late = sessions.new_folder("a")
    assert not late.exists()
    now = 106.0  # a page that lost its connection for a moment, and lives on
    with sessions.job("a", "api") as stop:
        assert not stop.is_set()
        kept = sessions.new_folder("a")
        stop.set()  # as work does when it ends
    assert kept.exists()


def test_session_is_reopened_by_a_new_job(sessions: Sessions) -> None:
    sessions.close("a")
    assert not sessions.register_job("a", "paint").is_set()
    with sessions.job("a", "paint") as stop:
        assert not stop.is_set()
        kept = sessions.new_folder("a")
    assert kept.exists()


def test_upload_after_the_session_closed_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("ganstyle.gui.sessions.time.monotonic", lambda: now)
    sessions = Sessions(tmp_path, timeout=10_000)
    upload = tmp_path / "late.png"
    upload.touch()
    sessions.close("a")
    sessions.claim("a", upload)
    staying = sessions.new_folder("b")
    now = 800.0
    sessions.new_folder("c")
    assert not upload.exists()
    assert staying.exists()
    now = 20_000.0
    sessions.new_folder("d")
    assert not staying.exists()
