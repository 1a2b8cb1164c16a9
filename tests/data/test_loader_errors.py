"""What goes wrong in the processes that load data reaches the user as one line that says what to change."""

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganstyle.data.loader_errors import loader_error, one_line_errors
from ganstyle.data.sampler import Draw
from ganstyle.data.training import training_loader
from ganstyle.errors import DataError, GanstyleError, ImageError

# Python 3.12 and 3.13 warn of every fork of a process that has threads.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")


class Failing:
    """Samples of which the sixth fails in a given way."""

    def __init__(self, fail: Callable[[], object]) -> None:
        self.fail = fail

    def __len__(self) -> int:
        return 40

    def __getitem__(self, draw: Draw, /) -> dict[str, Tensor]:
        if draw.epoch == 1:
            self.fail()
        return {"content": torch.zeros(3, 4, 4)}


def raising(error: BaseException) -> Callable[[], object]:
    def fail() -> None:
        raise error

    return fail


def failure(fail: Callable[[], object], workers: int) -> GanstyleError:
    """Train until the data fails."""
    batches = iter(training_loader(Failing(fail), batch_size=4, seed=0, workers=workers))
    with pytest.raises(GanstyleError) as caught:
        for _ in itertools.islice(batches, 20):
            pass
    message = str(caught.value)
    assert "\n" not in message
    assert "Traceback" not in message
    assert len(message) < 300
    return caught.value


@pytest.mark.parametrize("workers", [0, 1])
@pytest.mark.parametrize("kind", [DataError, ImageError])
def test_own_error_stays_one_line(kind: type[GanstyleError], workers: int) -> None:
    error = failure(raising(kind("photos: cannot be reached; make the disk available")), workers)
    assert type(error) is kind
    assert str(error) == "photos: cannot be reached; make the disk available"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM], ids=lambda n: n.name)
def test_killed_worker(number: signal.Signals) -> None:
    error = failure(lambda: os.kill(os.getpid(), number), 2)
    assert isinstance(error, DataError)
    assert "a process that loads photos" in str(error)
    assert "workers=0" in str(error)


def test_worker_that_exits() -> None:
    assert "workers=0" in str(failure(lambda: os._exit(1), 1))


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            RuntimeError(
                "unable to allocate shared memory(shm) for file </torch_12_3_0>: No space left on …"
            ),
            "shared memory .*--shm-size",
        ),
        (
            RuntimeError("unable to mmap 8 bytes from file </torch_12_3>: Cannot allocate memory"),
            "shared memory",
        ),
        (
            RuntimeError("unable to open shared memory object </torch_1> : Too many open files (24)"),
            "ulimit -n",
        ),
        (OSError(24, "Too many open files"), "ulimit -n"),
        (MemoryError(), "ran out of memory; set workers=0"),
        (
            RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
            "out of memory",
        ),
    ],
)
def test_worker_resource_errors_give_advice(error: BaseException, message: str) -> None:
    caught = failure(raising(error), 1)
    assert isinstance(caught, DataError)
    assert pytest.raises(DataError, match=message).matches(caught)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ConnectionResetError(104, "Connection reset by peer"), "a process that loads photos ended"),
        (EOFError(), "a process that loads photos ended"),
        (RuntimeError("received 0 items of ancdata"), "ulimit -n"),
        (OSError(28, "No space left on device"), "shared memory"),  # a semaphore, on starting the workers
        (OSError(12, "Cannot allocate memory"), "ran out of memory"),  # fork
    ],
    ids=str,
)
def test_failures_in_the_main_process(error: BaseException, message: str) -> None:
    def batches() -> Iterator[dict[str, Tensor]]:
        yield {}
        raise error

    with pytest.raises(DataError, match=message):
        list(one_line_errors(batches(), workers=2))


def test_programming_errors_are_not_hidden() -> None:
    loader = training_loader(Failing(raising(ZeroDivisionError("bug"))), batch_size=4, seed=0, workers=1)
    with pytest.raises(ZeroDivisionError, match="bug"):
        list(itertools.islice(loader, 20))


@pytest.mark.parametrize(
    "error",
    [RuntimeError("CUDA error: device-side assert"), ConnectionResetError(104, "reset"), KeyError("x")],
)
def test_other_errors_of_a_step_are_left_alone(error: Exception) -> None:
    assert loader_error(error) is None


def test_worker_death_reported_in_the_middle_of_a_step() -> None:
    error = RuntimeError("DataLoader worker (pid 12) is killed by signal: Killed. ")
    assert "was killed (signal: Killed)" in str(loader_error(error))
    error = RuntimeError("DataLoader worker (pid 12) is killed by signal: Bus error. It is possible that …")
    assert "--shm-size" in str(loader_error(error))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or not Path("/usr/bin/unshare").exists(),
    reason="needs root to mount a small /dev/shm",
)
@pytest.mark.parametrize("size", ["8k", "100k"])
def test_small_shared_memory(size: str) -> None:
    program = (
        "import sys, torch\n"
        "from ganstyle.data.training import training_loader\n"
        "from ganstyle.errors import DataError\n"
        "class Data:\n"
        "    def __len__(self): return 9\n"
        "    def __getitem__(self, draw): return {'content': torch.zeros(3, 64, 64)}\n"
        "try:\n"
        "    for _, batch in zip(range(9), training_loader(Data(), batch_size=4, seed=0, workers=2)): pass\n"
        "except DataError as error: print(error)\n"
    )
    command = f'mount -t tmpfs -o size={size} tmpfs /dev/shm && exec {sys.executable} -c "$PROGRAM"'
    result = subprocess.run(
        ["unshare", "--mount", "sh", "-c", command],
        env={**os.environ, "PROGRAM": program},
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    if "mount" in result.stderr or "unshare" in result.stderr:
        pytest.skip("this system does not allow mounting")
    assert "ran out of shared memory (/dev/shm has 0 MB)" in result.stdout, result.stderr
    assert "--shm-size" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def test_worker_death_interrupts_only_the_wait_for_its_batch() -> None:
    """It comes in the middle of a step, of saving, or of a finalizer, in which an error would be lost."""
    batches = iter(training_loader(Failing(lambda: None), batch_size=4, seed=0, workers=2))
    next(batches)
    os.kill(multiprocessing.active_children()[0].pid or 0, signal.SIGKILL)
    time.sleep(0.3)
    with pytest.raises(DataError, match=r"was killed \(signal: Killed\)"):
        list(batches)


def test_second_worker_death_interrupts_nothing() -> None:
    """After the first one, the caller saves a training's state."""
    batches = iter(training_loader(Failing(lambda: None), batch_size=4, seed=0, workers=2))
    next(batches)
    first, second = multiprocessing.active_children()
    os.kill(first.pid or 0, signal.SIGKILL)
    with pytest.raises(DataError, match="a process that loads photos"):
        list(batches)
    with suppress(ProcessLookupError):
        os.kill(second.pid or 0, signal.SIGKILL)
    time.sleep(0.3)


def test_closing_the_iterator_ends_the_workers() -> None:
    loader = training_loader(Failing(lambda: None), batch_size=4, seed=0, workers=2)
    batches = iter(loader)
    next(batches)
    batches.close()
    assert multiprocessing.active_children() == []
    assert next(iter(loader))["content"].shape == (4, 3, 4, 4)
