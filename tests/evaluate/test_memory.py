import pytest
import torch

from ganstyle.errors import GanstyleError, ImageError
from ganstyle.evaluate.memory import memory_advice


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nSee documentation"),
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_out_of_memory_is_one_line_with_advice(error: Exception) -> None:
    with pytest.raises(GanstyleError) as caught, memory_advice("a.png"):
        raise error
    assert str(caught.value) == (
        "a.png: there is not enough memory; give a smaller --size, or another --device"
    )


def test_advice_replaces_that_of_an_error_below() -> None:
    with (
        pytest.raises(GanstyleError, match="use --device cpu"),
        memory_advice("the networks", "use --device cpu"),
    ):
        raise ImageError("make the image smaller") from MemoryError()


@pytest.mark.parametrize("error", [RuntimeError("another"), ImageError("another"), KeyError("x")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), memory_advice("a.png"):
        raise error
