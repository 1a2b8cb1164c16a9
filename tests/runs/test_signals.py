"""Signals that end a process interrupt it once, and never its cleaning up."""

import signal
import subprocess
import sys
import threading

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.runs.signals import Terminated, TerminationSignals

_SIGNALED = """
import os, signal, sys, time
from ganstyle.runs.signals import Terminated, TerminationSignals
if sys.argv[2] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
number = getattr(signal, sys.argv[1])
try:
    with TerminationSignals() as signals:
        try:
            if sys.argv[2] != "early":
                signals.raise_at_once()
            os.kill(os.getpid(), number)
            print("goes on")
            signals.check()
        finally:
            signals.hold()
            for again in (signal.SIGINT, signal.SIGTERM, number):
                os.kill(os.getpid(), again)
            print("cleaned up")
except KeyboardInterrupt as error:
    print(type(error).__name__)
print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize(
    ("name", "how", "expected"),
    [
        ("SIGINT", "", ["cleaned up", "KeyboardInterrupt", "True"]),
        ("SIGTERM", "", ["cleaned up", "Terminated", "True"]),
        ("SIGHUP", "", ["cleaned up", "Terminated", "True"]),
        ("SIGINT", "early", ["goes on", "cleaned up", "KeyboardInterrupt", "True"]),
        ("SIGTERM", "early", ["goes on", "cleaned up", "Terminated", "True"]),
        ("SIGHUP", "nohup", ["goes on", "cleaned up", "True"]),
    ],
)
def test_signal_interrupts_once(name: str, how: str, expected: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _SIGNALED, name, how], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stdout.splitlines() == expected


def test_in_another_thread_signals_are_left_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen = []

    def enter() -> None:
        with TerminationSignals():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
    assert issubclass(Terminated, KeyboardInterrupt)
    assert not issubclass(Terminated, GanstyleError)
