import threading
import time
from collections.abc import Callable

import pytest
import torch
from torch import nn

from ganstyle.errors import GanstyleError
from ganstyle.gui.jobs import JobResult, JobStopped, exclusive, is_idle, run_job, stoppable, wait_until_idle


def test_the_result_comes_last() -> None:
    def work(report: Callable[[int], None]) -> str:
        for number in range(5):
            report(number)
            time.sleep(0.1)
        return "done"

    *reports, last = run_job(work, threading.Event())
    assert last == JobResult("done")
    assert reports
    assert reports == sorted(set(reports))  # type: ignore[type-var]


def test_errors_come_through() -> None:
    def work(report: Callable[[int], None]) -> None:
        raise GanstyleError("no")

    with pytest.raises(GanstyleError, match="no"):
        list(run_job(work, threading.Event()))


def test_whoever_leaves_stops_the_work() -> None:
    stop, ended = threading.Event(), threading.Event()

    def work(report: Callable[[int], None]) -> None:
        report(1)
        stop.wait(10)
        ended.set()

    steps = run_job(work, stop)
    assert next(steps) == 1
    steps.close()  # type: ignore[attr-defined]
    assert ended.is_set()


def test_one_at_a_time() -> None:
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


def test_a_job_that_was_stopped_before_its_turn_does_nothing() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(JobStopped):
        list(run_job(lambda report: pytest.fail("it has begun"), stop))


def test_a_generator_stops_between_layers() -> None:
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
