import time

import numpy as np
import pytest
import torch

from ganstyle.devices import PeakMemory

MIB = 2**20


def test_a_peak_that_is_over_is_still_seen() -> None:
    with PeakMemory(torch.device("cpu")) as memory:
        block = np.ones(64 * MIB, dtype=np.uint8)  # written to, so that it is really there
        time.sleep(0.05)
        del block
        time.sleep(0.02)
    assert 60 * MIB < memory.bytes < 120 * MIB


def test_pytorchs_memory_counts() -> None:
    with PeakMemory(torch.device("cpu")) as memory:
        block = torch.ones(64 * MIB, dtype=torch.uint8)
        time.sleep(0.05)
        del block
    assert memory.bytes > 60 * MIB


def test_what_was_there_before_does_not_count() -> None:
    block = np.ones(64 * MIB, dtype=np.uint8)
    with PeakMemory(torch.device("cpu")) as memory:
        time.sleep(0.02)
    assert memory.bytes < 30 * MIB
    assert block[0] == 1


def test_the_watch_ends_with_an_error() -> None:
    memory = PeakMemory(torch.device("cpu"))
    with pytest.raises(KeyError), memory:
        raise KeyError
    assert not memory._thread.is_alive()
