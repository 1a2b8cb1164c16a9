import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ganstyle import temporary
from ganstyle.files import atomic_write
from ganstyle.stylize.scale.state import remove_abandoned
from ganstyle.temporary import PREFIX, is_abandoned, owner_prefix, temporary_name

_DIES = """
import os, signal, sys
from ganstyle.files import atomic_write
with atomic_write(sys.argv[1]) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_files_of_a_killed_process_are_removed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", _DIES, str(tmp_path / "a.png")], env=environment, check=False)
    (left,) = tmp_path.iterdir()
    assert is_abandoned(left)
    (tmp_path / left.name.replace(".tmp", "")).mkdir()  # as for a large photo
    (tmp_path / "photo.png").touch()
    with atomic_write(tmp_path / "b.png") as mine:
        mine.touch()
        remove_abandoned([tmp_path, tmp_path / "missing"])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.png", "photo.png"]


def test_temporary_names_are_short_and_unique() -> None:
    assert len({temporary_name() for _ in range(100)}) == 100
    assert len(temporary_name()) < 60
    assert temporary_name().startswith(owner_prefix())


@pytest.mark.parametrize(
    "name", ["a.png", ".ganstyle", ".ganstyle-x", ".ganstyle-download", f"{PREFIX}0123abcd-x-1"]
)
def test_other_names_are_not_abandoned(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    assert not is_abandoned(tmp_path / name)


def test_files_of_other_machines_are_kept_for_a_day(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(temporary, "_machine", lambda: "01234567")
        path = tmp_path / temporary_name()
    path.touch()
    assert not is_abandoned(path)
    yesterday = time.time() - 90000
    os.utime(path, (yesterday, yesterday))
    assert is_abandoned(path)
