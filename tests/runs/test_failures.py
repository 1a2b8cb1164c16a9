import pytest
import torch

from ganstyle.errors import DataError, GanstyleError, ImageError, RunError
from ganstyle.runs.failures import explain_failures

ADVICE = "lower batch_size"


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee documentation"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
        MemoryError(),
    ],
)
def test_out_of_memory_says_what_to_change(error: Exception) -> None:
    with pytest.raises(RunError) as caught, explain_failures(ADVICE):
        raise error
    assert str(caught.value) == "out of memory; lower batch_size"


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("DataLoader worker (pid 7) is killed by signal: Bus error. It is possible that …", "workers=0"),
        ("DataLoader worker (pid 7) is killed by signal: Killed. ", "Killed"),
    ],
)
def test_dead_data_workers_are_one_line_wherever_they_are_noticed(text: str, part: str) -> None:
    with pytest.raises(DataError, match=part) as caught, explain_failures(ADVICE):
        raise RuntimeError(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ImageError("a photo"), ValueError("shape")])
def test_other_errors_are_unchanged(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, explain_failures(ADVICE):
        raise error
    assert caught.value is error


def test_advice_as_a_decorator() -> None:
    @explain_failures(ADVICE)
    def fail() -> None:
        raise MemoryError

    for _ in range(2):
        with pytest.raises(GanstyleError, match="out of memory"):
            fail()
