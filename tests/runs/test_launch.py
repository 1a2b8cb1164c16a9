from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from accelerate import Accelerator

from ganstyle.errors import RunError
from ganstyle.runs.launch import find_weights, same_everywhere, start_accelerator


@pytest.fixture
def accelerator() -> Accelerator:
    return start_accelerator("fp32", accumulate=1)


@pytest.fixture
def another_process(accelerator: Accelerator, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return a function that lets a second process take part, whose hash differs by so much."""

    def join(difference: int) -> None:
        monkeypatch.setattr(accelerator, "gather", lambda mine: torch.cat([mine, mine + difference]))

    return join


def test_single_process_always_agrees(accelerator: Accelerator) -> None:
    assert same_everywhere(accelerator, b"\xff" * 32)


def test_processes_agree_or_fail_together(
    accelerator: Accelerator, another_process: Callable[[int], None]
) -> None:
    another_process(0)
    assert same_everywhere(accelerator, b"12345678")
    another_process(1)
    assert not same_everywhere(accelerator, b"12345678")


def test_machines_with_different_networks(
    accelerator: Accelerator, another_process: Callable[[int], None], vgg16_weights: Path
) -> None:
    assert find_weights(accelerator, str(vgg16_weights)).path == vgg16_weights
    another_process(1)
    with pytest.raises(RunError, match="different VGG-16 networks") as caught:
        find_weights(accelerator, str(vgg16_weights))
    assert "\n" not in str(caught.value)
