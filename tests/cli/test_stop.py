"""Signals that ask a command to stop are noted once, wherever the main thread is."""

import subprocess
import sys
import threading

import pytest

from ganstyle.cli.stop import StopRequest

_SIGNALED = """
import gc, os, signal, sys, threading, time
from ganstyle.cli.stop import StopRequest

_, name, how, second_ends = sys.argv
number = getattr(signal, name)

def send(*again):
    os.kill(os.getpid(), number)
    for _ in range(1000):  # Python runs the handler between two of these
        pass

class Finalized:
    def __del__(self):
        send()

if how == "ignored":
    signal.signal(number, signal.SIG_IGN)
with StopRequest(second_ends=bool(second_ends)) as stop:
    print(stop())
    if how == "finalizer":
        Finalized()
    elif how == "collection":
        gc.callbacks.append(send)
        gc.collect()
        gc.callbacks.clear()
    elif how == "waiting":
        threading.Timer(0.3, send).start()
        stop.wait()
    else:
        send()
    print(stop())
    try:
        stop.check()
        stop() and stop.wait()
        send()
    except KeyboardInterrupt:
        print("asked to stop")
    try:
        send()
    except KeyboardInterrupt:
        print("interrupted")
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize(
    ("name", "how", "second_ends"),
    [
        ("SIGINT", "", False),
        ("SIGINT", "", True),
        ("SIGHUP", "", False),
        ("SIGINT", "finalizer", False),
        ("SIGTERM", "finalizer", True),
        ("SIGINT", "collection", False),
        ("SIGTERM", "collection", False),
        ("SIGINT", "waiting", True),
        ("SIGTERM", "waiting", False),
    ],
)
def test_stop_request_notes_signals(name: str, how: str, second_ends: bool) -> None:
    lines = run(name, how, second_ends)
    expected = ["False", "True", "asked to stop", *(["interrupted"] if second_ends else []), "True"]
    assert lines == expected


def test_stop_request_leaves_ignored_signals() -> None:
    assert run("SIGHUP", "ignored", True) == ["False", "False", "True"]


def run(name: str, how: str, second_ends: bool) -> list[str]:
    """Return what the program prints; it must write no errors."""
    command = [sys.executable, "-c", _SIGNALED, name, how, "yes" if second_ends else ""]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_stop_request_in_another_thread_catches_nothing() -> None:
    seen = []

    def enter() -> None:
        with StopRequest() as stop:
            seen.append(stop())

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]
