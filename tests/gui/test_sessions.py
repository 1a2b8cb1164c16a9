from pathlib import Path

import pytest

from ganstyle.gui.sessions import Sessions


@pytest.fixture
def sessions(tmp_path: Path) -> Sessions:
    return Sessions(tmp_path, patience=1000)


def test_a_session_takes_its_files_along(sessions: Sessions, tmp_path: Path) -> None:
    mine, again, other = (sessions.new_folder(name) for name in ("a", "a", "b"))
    assert len({mine, again, other}) == 3
    for folder in (mine, again, other):
        (folder / "result.png").touch()
    sessions.close("a")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other / "result.png"]
    sessions.close("nobody")


def test_a_shared_upload_goes_with_the_last_who_uses_it(sessions: Sessions, tmp_path: Path) -> None:
    shared, own = tmp_path / "shared.jpg", tmp_path / "own.jpg"
    shared.touch()
    own.touch()
    sessions.keep("a", shared, own)
    sessions.keep("b", shared)
    sessions.close("a")
    assert shared.exists()
    assert not own.exists()
    sessions.close("b")
    assert not shared.exists()


def test_whoever_says_no_goodbye_is_taken_to_have_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("ganstyle.gui.sessions.time.monotonic", lambda: now)
    sessions = Sessions(tmp_path, patience=10)
    folder = sessions.new_folder("a")
    now = 5.0
    sessions.new_folder("b")
    assert folder.exists()
    now = 12.0
    sessions.new_folder("c")
    assert not folder.exists()


def test_stop_reaches_a_job_that_waits(sessions: Sessions) -> None:
    armed = sessions.arm("a", "paint")
    sessions.stop("a", "paint")
    with sessions.job("a", "paint") as stop:
        assert stop is armed
        assert stop.is_set()
    with sessions.job("a", "paint") as stop:
        assert not stop.is_set()


def test_a_job_that_does_not_begin_is_forgotten(sessions: Sessions) -> None:
    sessions.arm("a", "paint").set()
    sessions.disarm("a", "paint")
    sessions.disarm("a", "paint")
    with sessions.job("a", "paint") as stop:
        assert not stop.is_set()


def test_stop_reaches_nobody_else(sessions: Sessions) -> None:
    with (
        sessions.job("a", "paint") as mine,
        sessions.job("b", "paint") as other,
        sessions.job("a", "compare") as another,
    ):
        sessions.stop("a", "paint")
        assert (mine.is_set(), other.is_set(), another.is_set()) == (True, False, False)


def test_what_a_job_makes_after_its_visitor_left(sessions: Sessions) -> None:
    with sessions.job("a", "paint"):
        sessions.close("a")
        late = sessions.new_folder("a")
        assert late.exists()
    assert not late.exists()
    with sessions.job("b", "paint"):
        kept = sessions.new_folder("b")
    assert kept.exists()


def test_leaving_stops_all_jobs_of_a_session(sessions: Sessions) -> None:
    with sessions.job("a", "paint") as mine, sessions.job("b", "paint") as other:
        sessions.close("a")
        assert mine.is_set()
        assert not other.is_set()
