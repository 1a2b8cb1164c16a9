from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import OptimizationEvent, StopOptimization
from ganstyle.runs.events import Message
from tests.gatys.conftest import ToyNetwork


def test_run_stops_at_convergence(toy: Any) -> None:
    events, callback = toy.collector()
    result = toy.paint(steps=1000, tolerance=0.05, callback=callback)
    assert result.ended_by == "tolerance"
    assert not result.interrupted
    assert 20 < result.steps < 300
    (message,) = (e.text for e in events if isinstance(e, Message) and "converged" in e.text)
    assert message == (
        f"24 px: converged after {result.steps} steps in all; "
        "the loss fell by less than 5.00% over 20 evaluations"
    )
    further = toy.paint(steps=result.steps + 40, tolerance=0.0)
    assert (further.steps, further.ended_by) == (result.steps + 40, "steps")
    assert 0 <= result.loss - further.loss < 0.2 * result.loss


def test_each_scale_converges_on_its_own(toy: Any) -> None:
    events, callback = toy.collector()
    result = toy.paint(steps=2000, tolerance=0.05, scales=[16, 24], callback=callback)
    texts = [e.text for e in events if isinstance(e, Message) and "converged" in e.text]
    assert [text.split(":")[0] for text in texts] == ["16 px", "24 px"]
    assert result.ended_by == "tolerance"


def test_scheduled_optimizers_run_to_the_end_of_their_schedule(toy: Any) -> None:
    assert toy.paint(optimizer="langevin", steps=60, tolerance=0.9).steps == 60
    assert toy.paint(optimizer="adam", steps=60, tolerance=0.9).steps < 60


def test_gradient_free_optimizers_are_given_longer(toy: Any) -> None:
    steps = {name: toy.paint(optimizer=name, steps=300, tolerance=0.9) for name in ("adam", "cma-es")}
    assert steps["adam"].evaluations < 30
    assert 100 < steps["cma-es"].evaluations < 120


def test_ended_by_reports_the_limit(toy: Any) -> None:
    assert toy.paint(steps=3).ended_by == "steps"
    assert toy.paint(steps=10**9, max_evaluations=5).ended_by == "evaluations"
    assert toy.paint(steps=10**9, seconds=0.05, tolerance=0.0).ended_by == "seconds"
    assert toy.paint(callback=stop).ended_by == "interrupt"


def stop(event: OptimizationEvent) -> None:
    raise StopOptimization


def test_missing_octaves_are_reported_once(toy: Any) -> None:
    events, callback = toy.collector()
    toy.paint(scales=[12, 24], callback=callback)
    texts = [e.text for e in events if isinstance(e, Message)]
    assert texts == ["24 px are enough for 1 of 4 octaves; the largest forms are left out"]
    events, callback = toy.collector()
    toy.paint(content_octaves=1, style_octaves=1, callback=callback)
    assert not [e for e in events if isinstance(e, Message)]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:116] DefaultCPUAllocator: can't allocate memory"),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"),
    ],
)
def test_out_of_memory_gives_advice(toy: Any, error: Exception) -> None:
    class Greedy(ToyNetwork):
        def __call__(self, x: Tensor) -> dict[str, Tensor]:
            if len(self.sizes) > 4:
                raise error
            return super().__call__(x)

    with pytest.raises(
        GanstyleError, match=r"at 24 px needs more memory than cpu has; .* --size 12"
    ) as caught:
        toy.paint(features=Greedy())
    assert "\n" not in str(caught.value)


def test_other_errors_are_not_taken_for_lack_of_memory(toy: Any) -> None:
    def broken(x: Tensor) -> dict[str, Tensor]:
        raise RuntimeError("expected scalar type Half")

    with pytest.raises(RuntimeError, match="Half"):
        toy.paint(features=broken)
