"""Two trainings never share a folder, and a dead one holds nothing."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from ganstyle.distill import DistillationRecipe, distill
from ganstyle.errors import RunError
from ganstyle.recipe import Recipe
from ganstyle.runs import lock
from ganstyle.runs.lock import FolderLock
from ganstyle.training import Progress, train

RecipeMaker = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # fork beside threads


@contextmanager
def _holder(folder: Path) -> Iterator[tuple[int, int]]:
    """Hold the folder in another process; yield its id and that of a child, such as a data worker."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        FolderLock(folder).acquire()
        worker = os.fork()
        if worker:
            os.write(writer, str(worker).encode())
        time.sleep(60)
        os._exit(0)
    worker = int(os.read(reader, 20))
    os.close(reader)
    os.close(writer)
    try:
        yield pid, worker
    finally:
        for process in (worker, pid):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        with suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _another_process_may(folder: Path) -> bool:
    """Try to take the lock in another process."""
    pid = os.fork()
    if not pid:
        try:
            lock._held.clear()
            FolderLock(folder).acquire()
        except RunError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _refused(folder: Path) -> str:
    with pytest.raises(RunError) as caught:
        FolderLock(folder).acquire()
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_second_process_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with _holder(tmp_path) as (pid, _):
        message = _refused(tmp_path)
        assert message.startswith(f"{tmp_path}: another training runs in this folder (process {pid} on ")
        assert socket.gethostname() in message


def test_killed_process_releases_the_lock_despite_live_workers(tmp_path: Path) -> None:
    with _holder(tmp_path) as (pid, worker):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.kill(worker, 0)  # it is still there
        assert (tmp_path / ".lock").exists()
        with FolderLock(tmp_path) as again:
            again.acquire()
            assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert not (tmp_path / ".lock").exists()


def test_second_thread_is_refused_and_does_not_break_the_lock(tmp_path: Path) -> None:
    holder = FolderLock(tmp_path)
    holder.acquire()
    messages: list[str] = []
    thread = threading.Thread(target=lambda: messages.append(_refused(tmp_path)))
    thread.start()
    thread.join()
    assert f"process {os.getpid()} " in messages[0]
    assert not _another_process_may(tmp_path)
    holder.release()
    assert _another_process_may(tmp_path)


def test_lock_follows_aliases_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    with FolderLock(tmp_path / "runs") as holder:
        holder.acquire()
        _refused(tmp_path / "link")


def test_empty_run_folders_are_removed(tmp_path: Path) -> None:
    with FolderLock(tmp_path / "runs" / "x") as holder:
        holder.acquire()
        assert (tmp_path / "runs" / "x" / ".lock").is_file()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "runs").mkdir()
    with FolderLock(tmp_path / "runs" / "x") as holder:
        holder.acquire()
    assert list(tmp_path.iterdir()) == [tmp_path / "runs"]  # was there before


def test_damaged_lock_owner_file(tmp_path: Path) -> None:
    with _holder(tmp_path):
        (tmp_path / ".lock").write_text("half{")
        assert "(a process)" in _refused(tmp_path)


def test_folder_that_cannot_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert f"{tmp_path / 'file' / 'x'}: the run's folder cannot be written to" in _refused(
        tmp_path / "file" / "x"
    )


def test_folder_whose_name_is_too_long(tmp_path: Path) -> None:
    assert "the run's folder cannot be written to (File name too long)" in _refused(tmp_path / ("n" * 300))


def test_file_system_without_locks_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*arguments: Any) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.lockf", unsupported)
    with pytest.warns(RuntimeWarning, match=r"cannot be locked \(Operation not supported\)"):
        FolderLock(tmp_path).acquire()


def test_second_training_in_one_folder_is_refused(tiny: RecipeMaker) -> None:
    recipe = Recipe.parse(tiny(steps=2), source="test")
    messages: list[str] = []

    def start_another(event: object) -> None:
        if isinstance(event, Progress) and event.step == 1:
            with pytest.raises(RunError) as caught:
                train(recipe)
            messages.append(str(caught.value))

    assert train(recipe, start_another).finished
    assert "another training runs in this folder" in messages[0]
    assert not (recipe.folder / ".lock").exists()


def test_second_distillation_in_one_folder_is_refused(tiny: RecipeMaker) -> None:
    values = tiny()
    recipe = DistillationRecipe.parse({"name": "tiny", "run": {"dir": values["run"]["dir"]}}, source="test")
    with FolderLock(recipe.folder) as holder:
        holder.acquire()
        with pytest.raises(RunError, match="another training runs in this folder"):
            distill(recipe)
