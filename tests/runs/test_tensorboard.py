import sys
import time
from pathlib import Path
from threading import Thread

import psutil
import pytest

import ganstyle.runs.tensorboard
from ganstyle.errors import GanstyleError
from ganstyle.runs.tensorboard import TensorBoard

# Answers on its port, as TensorBoard does.
_LISTENS = """
import signal, socket, sys, time
{first}
port = int(sys.argv[sys.argv.index("--port") + 1])
with socket.create_server(("127.0.0.1", port)):
    time.sleep(60)
"""


def children() -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process().children()
        if sys.executable in child.cmdline()[:1] and "--logdir" in child.cmdline()
    ]


@pytest.mark.parametrize("first", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN)"])
def test_tensorboard_close_is_bounded(first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also if it does not end when asked to."""
    monkeypatch.setattr(ganstyle.runs.tensorboard, "_TENSORBOARD", _LISTENS.format(first=first))
    monkeypatch.setattr(ganstyle.runs.tensorboard, "_STOP_TIMEOUT", 0.5)
    tensorboard = TensorBoard(tmp_path, tmp_path)
    address = tensorboard.start()
    assert tensorboard.start() == address  # the one that runs
    assert len(children()) == 1
    began = time.monotonic()
    tensorboard.close()
    tensorboard.close()
    assert time.monotonic() - began < 5
    assert children() == []
    with pytest.raises(GanstyleError, match="closing"):
        tensorboard.start()


def test_tensorboard_close_during_startup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It answers nobody yet; closing does not wait for that."""
    monkeypatch.setattr(ganstyle.runs.tensorboard, "_TENSORBOARD", "import time; time.sleep(60)")
    tensorboard = TensorBoard(tmp_path, tmp_path)
    errors: list[Exception] = []

    def start() -> None:
        try:
            tensorboard.start()
        except GanstyleError as error:
            errors.append(error)

    thread = Thread(target=start)
    thread.start()
    while not children():
        time.sleep(0.05)
    began = time.monotonic()
    tensorboard.close()
    thread.join()
    assert time.monotonic() - began < 5
    assert [str(error).partition(";")[0] for error in errors] == ["TensorBoard does not start"]
    assert children() == []


def test_tensorboard_that_exits_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ganstyle.runs.tensorboard, "_TENSORBOARD", "raise SystemExit(1)")
    tensorboard = TensorBoard(tmp_path, tmp_path)
    for _ in range(2):  # each click tries again
        with pytest.raises(GanstyleError, match="does not start") as caught:
            tensorboard.start()
    assert str(tmp_path) not in str(caught.value)
    tensorboard.close()
