import pickle
import signal
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import GatysSettings
from ganstyle.gatys.benchmark import trial as module
from ganstyle.gatys.benchmark.trial import BenchmarkSetup, Budget, Trial, run_in_process, run_trial
from ganstyle.gatys.optimizers import OPTIMIZERS, Adam
from ganstyle.weights import find_vgg16


@pytest.fixture
def setup(vgg16_weights: Path) -> BenchmarkSetup:
    generator = torch.Generator().manual_seed(0)
    return BenchmarkSetup(
        content=torch.rand(1, 3, 16, 20, generator=generator),
        styles=[torch.rand(1, 3, 18, 16, generator=generator)],
        settings=GatysSettings(),
        vgg=find_vgg16(str(vgg16_weights)),
        dtype=torch.float32,
        device=torch.device("cpu"),
        threads=1,
    )


def test_trial_stops_at_evaluation_budget(setup: BenchmarkSetup, tmp_path: Path) -> None:
    outcome = run_trial(setup, Trial("adam", Budget("evaluations", 12.0), 0, setup.content), tmp_path)
    assert 11 < outcome.evaluations <= 12
    assert outcome.steps > 3
    assert outcome.peak_memory_bytes >= 0
    assert [s.evaluations for s in outcome.snapshots] == sorted(s.evaluations for s in outcome.snapshots)
    assert outcome.snapshots[-1].picture().shape == setup.content.shape


def test_trial_stops_at_time_budget(setup: BenchmarkSetup, tmp_path: Path) -> None:
    outcome = run_trial(setup, Trial("lbfgs", Budget("seconds", 0.3), 0, setup.content), tmp_path)
    assert 0.2 < outcome.seconds < 3  # the last evaluation may overrun, on a busy machine by much


def test_import_time_is_not_counted(
    setup: BenchmarkSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    class Slow(Adam):
        def __post_init__(self) -> None:
            made.append(len(self.x))
            super().__post_init__()

    monkeypatch.setitem(OPTIMIZERS, "slow", Slow)
    run_trial(setup, Trial("slow", Budget("evaluations", 2.0), 0, setup.content), tmp_path)
    assert made == [12, setup.content.numel()]  # first on next to nothing, before memory is watched


@pytest.mark.slow
def test_trial_runs_in_its_own_process(setup: BenchmarkSetup, tmp_path: Path) -> None:
    trial = Trial("lbfgs", Budget("evaluations", 3.0), 0, setup.content)
    outcome = run_in_process(setup, trial, tmp_path)
    assert outcome.evaluations == pytest.approx(3)
    (tmp_path / "here").mkdir()
    here = run_trial(setup, trial, tmp_path / "here")
    torch.testing.assert_close(outcome.snapshots[-1].picture(), here.snapshots[-1].picture())
    assert outcome.peak_memory_bytes > 0


def test_child_process_reports_user_errors(
    setup: BenchmarkSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []

    class Connection:
        def send(self, value: object) -> None:
            sent.append(value)

    before = signal.getsignal(signal.SIGINT)
    threads = torch.get_num_threads()
    bad = Trial("no-such", Budget("seconds", 1.0), 0, setup.content)
    try:
        module._child(pickle.dumps((setup, bad)), tmp_path, Connection())  # type: ignore[arg-type]
    finally:
        signal.signal(signal.SIGINT, before)
        torch.set_num_threads(threads)
    assert isinstance(sent[0], GanstyleError)
    assert "no-such" in str(sent[0])


class Stand:
    """A process and its pipe that do as they are told."""

    def __init__(self, answer: object, exitcode: int | None, alive: bool) -> None:
        self.answer, self.exitcode, self.alive, self.terminated = answer, exitcode, alive, False

    def __call__(self, kind: str) -> "Stand":
        assert kind == "spawn"
        return self

    def Pipe(self, duplex: bool) -> tuple["Stand", "Stand"]:  # noqa: N802 — multiprocessing's name
        return self, self

    def Process(self, target: object, args: tuple[object, ...]) -> "Stand":  # noqa: N802
        return self

    def start(self) -> None:
        pass

    def recv(self) -> object:
        if isinstance(self.answer, type) and issubclass(self.answer, BaseException):
            raise self.answer
        return self.answer

    def close(self) -> None:
        pass

    def is_alive(self) -> bool:
        return self.alive

    def terminate(self) -> None:
        self.alive, self.terminated = False, True

    def join(self) -> None:
        assert not self.alive


@pytest.mark.parametrize(
    ("stand", "message"),
    [
        (Stand(GanstyleError("the loss is not finite"), 0, False), "the loss is not finite"),
        (Stand(EOFError, -9, False), "adam: its process was killed, most likely for lack of memory"),
        (Stand(EOFError, 3, False), "adam: its process ended with exit code 3"),
    ],
)
def test_child_process_failure_is_one_line(
    setup: BenchmarkSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand: Stand, message: str
) -> None:
    monkeypatch.setattr("multiprocessing.get_context", stand)
    with pytest.raises(GanstyleError, match=message):
        run_in_process(setup, Trial("adam", Budget("seconds", 1.0), 0, setup.content), tmp_path)


def test_interrupt_ends_the_child_process(
    setup: BenchmarkSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = Stand(KeyboardInterrupt, None, True)
    monkeypatch.setattr("multiprocessing.get_context", stand)
    with pytest.raises(KeyboardInterrupt):
        run_in_process(setup, Trial("adam", Budget("seconds", 1.0), 0, setup.content), tmp_path)
    assert stand.terminated


def test_tensors_do_not_share_memory_with_the_process(setup: BenchmarkSetup) -> None:
    copy: Tensor = pickle.loads(pickle.dumps(setup)).content
    assert not copy.is_shared()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(copy, setup.content)
