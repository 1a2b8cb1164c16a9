"""Temporary folders: removed at the end, also by the next process."""

import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from ganstyle.locks import temporary_folder


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Python's folder for temporary files, an empty one."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_remove_abandoned_keeps_locked_folders(temporary: Path) -> None:
    with temporary_folder("ganstyle-gui-") as running:
        (running / "photo.png").touch()
        abandoned = temporary / "ganstyle-gui-abandoned"
        foreign = temporary / "something-else"
        elsewhere = temporary / "elsewhere"
        for folder in (abandoned, foreign, elsewhere):
            folder.mkdir()
            (folder / "photo.png").touch()
        (temporary / "ganstyle-gui-link").symlink_to(elsewhere)
        (temporary / "ganstyle-gui-file").touch()
        with temporary_folder("ganstyle-gui-") as another_one:
            assert another_one != running
            assert (running / "photo.png").exists()
            assert not abandoned.exists()
            assert (foreign / "photo.png").exists()
            assert (elsewhere / "photo.png").exists()
        assert not another_one.exists()
    assert not running.exists()


def test_a_folder_is_removed_with_what_is_written_meanwhile(temporary: Path) -> None:
    stop = threading.Event()

    def write(folder: Path) -> None:
        for number in range(100_000):
            if stop.is_set():
                return
            with suppress(OSError):
                (folder / f"{number}").touch()

    with temporary_folder("ganstyle-gui-") as folder:
        writer = threading.Thread(target=write, args=(folder,))
        writer.start()
        time.sleep(0.1)
    stop.set()
    writer.join()
    assert not folder.exists()
