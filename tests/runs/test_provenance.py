from types import SimpleNamespace

import pytest
import torch

from ganstyle.runs.launch import start_accelerator
from ganstyle.runs.provenance import describe_run


@pytest.mark.parametrize(("threads", "words"), [(1, "1 thread"), (2, "2 threads")])
def test_describe_run_names_the_hardware(monkeypatch: pytest.MonkeyPatch, threads: int, words: str) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    state = SimpleNamespace(step=3, photos=6, seconds=0.54)
    # Not Accelerator(), whose precision is that of the process's last one.
    info = describe_run(start_accelerator("fp32", accumulate=1), state, {}, {})
    hardware = f"1 x CPU ({words})"
    assert info == {
        "training": {"steps": 3, "photos": 6, "seconds": 0.5, "hardware": hardware, "precision": "fp32"}
    }
