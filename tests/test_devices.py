import os
import shutil
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from ganstyle.devices import (
    PeakMemory,
    check_compiler,
    fast_bfloat16,
    is_out_of_memory,
    keep_freed_memory,
    pick_device,
    release_free_memory,
    usable_processors,
)
from ganstyle.errors import GanstyleError
from tests.fork_server import ForkServer

MIB = 2**20


def availability(monkeypatch: pytest.MonkeyPatch, *, cuda: bool, mps: bool) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_device_is_the_fastest(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str
) -> None:
    availability(monkeypatch, cuda=cuda, mps=mps)
    assert pick_device() == pick_device("auto") == torch.device(expected)


def test_cpu_is_always_available(monkeypatch: pytest.MonkeyPatch) -> None:
    availability(monkeypatch, cuda=True, mps=True)
    assert pick_device("cpu") == torch.device("cpu")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_by_its_number() -> None:
    assert pick_device("cuda:0") == torch.device("cuda:0")


def refused(name: str) -> str:
    with pytest.raises(GanstyleError) as caught:
        pick_device(name)
    message = str(caught.value)
    assert f"'{name}'" in message
    assert "try auto or cpu" in message
    assert "\n" not in message
    assert len(message) < 500
    return message


@pytest.mark.parametrize("name", ["abacus", "", "cpu:", "cuda:-1", "cuda:99", "gpu", "CPU"])
def test_invalid_device_names(name: str) -> None:
    refused(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu() -> None:
    refused("cuda")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is one")
def test_no_apple_gpu() -> None:
    refused("mps")


@pytest.mark.parametrize("name", ["meta", "hpu", "privateuseone"])
def test_devices_that_torch_knows_but_cannot_compute_with(name: str) -> None:
    refused(name)


def test_bfloat16_on_a_cpu_follows_the_instructions(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    for with_it in (*names, None):
        for name in names:
            monkeypatch.setattr(torch.cpu, name, lambda here=(name == with_it): here, raising=False)
        assert fast_bfloat16(torch.device("cpu")) == (with_it is not None)
    for name in names:  # a torch that has dropped or renamed them
        monkeypatch.delattr(torch.cpu, name)
    assert fast_bfloat16(torch.device("cpu")) is False


@pytest.mark.parametrize("native", [True, False])
def test_bfloat16_on_a_gpu_must_be_native(monkeypatch: pytest.MonkeyPatch, native: bool) -> None:
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda including_emulation=True: native or including_emulation
    )
    assert fast_bfloat16(torch.device("cuda")) == native


def test_bfloat16_on_other_devices_is_not_fast() -> None:
    assert fast_bfloat16(torch.device("mps")) is False


@pytest.mark.parametrize(
    ("content", "expected"),
    [("200000 100000", 2), ("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), ("", 64)],
)
def test_cpu_count_follows_the_container_limit(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, expected: int
) -> None:
    (tmp_path / "cpu.max").write_text(content)
    monkeypatch.setattr("ganstyle.devices._CONTAINER", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(64)), raising=False)
    assert usable_processors() == expected


def test_cpu_count_without_a_container(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("ganstyle.devices._CONTAINER", tmp_path / "none")
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_processors() == 6


def test_compiling_needs_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: "/usr/bin/g++" if name == "g++" else None)
    check_compiler()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(GanstyleError, match=r"needs a C\+\+ compiler"):
        check_compiler()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20 GiB"), True),
        (
            RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"),
            True,
        ),
        (RuntimeError("CUDA error: out of memory\nCompile with TORCH_USE_CUDA_DSA"), True),
        (RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"), True),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), True),
        (MemoryError(), True),
        (RuntimeError("The size of tensor a (3) must match the size of tensor b (4)"), False),
        (OSError(28, "No space left on device"), False),
    ],
)
def test_out_of_memory_is_recognized(error: Exception, expected: bool) -> None:
    assert is_out_of_memory(error) is expected


def peak_in_a_process_of_its_own(fork_server: ForkServer, allocate: str) -> int:
    """Measure in a process that has done nothing yet: memory freed before would not count when used again."""
    program = (
        "import time, numpy as np, torch; from ganstyle.devices import PeakMemory\n"
        f"MIB = {MIB}\n"
        "with PeakMemory(torch.device('cpu')) as memory:\n"
        f"    block = {allocate}\n"  # written to, so that it is really there
        "    time.sleep(0.3)\n"
        "    del block\n"
        "    time.sleep(0.1)\n"
        "print(memory.bytes)"
    )
    process = fork_server.start("-c", program, environment=os.environ)
    peak = process.stdout.read()
    process.close()
    return int(peak)


def test_memory_watch_sees_past_peaks(fork_server: ForkServer) -> None:
    peak = peak_in_a_process_of_its_own(fork_server, "np.ones(64 * MIB, dtype=np.uint8)")
    assert 60 * MIB < peak < 120 * MIB


def test_memory_watch_counts_pytorch_memory(fork_server: ForkServer) -> None:
    assert peak_in_a_process_of_its_own(fork_server, "torch.ones(64 * MIB, dtype=torch.uint8)") > 60 * MIB


def test_memory_watch_ignores_earlier_memory() -> None:
    block = np.ones(64 * MIB, dtype=np.uint8)
    with PeakMemory(torch.device("cpu")) as memory:
        time.sleep(0.02)
    assert memory.bytes < 30 * MIB
    assert block[0] == 1


def test_memory_watch_ends_on_error() -> None:
    memory = PeakMemory(torch.device("cpu"))
    with pytest.raises(KeyError), memory:
        raise KeyError
    assert not memory._thread.is_alive()


def test_releasing_free_memory_works_on_any_system(monkeypatch: pytest.MonkeyPatch) -> None:
    release_free_memory()

    def no_library(name: str | None) -> object:
        raise OSError

    monkeypatch.setattr("ctypes.CDLL", no_library)
    release_free_memory()


_PAGE_FAULTS = """
import resource
from pathlib import Path
import torch
from ganstyle.devices import keep_freed_memory

def faults(count=20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(count):
        torch.empty(48 * 2**20, dtype=torch.uint8).fill_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

faults(2)
usual, before = faults(), resident()
with keep_freed_memory():
    faults(2)
    kept = faults()
print(usual, kept, resident() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")
def test_keep_freed_memory_saves_page_faults_and_returns_the_memory(fork_server: ForkServer) -> None:
    """In a process of its own: where a test left a hole in the heap, nothing is asked of the system."""
    process = fork_server.start("-c", _PAGE_FAULTS, environment=os.environ)
    usual, kept, grown = map(int, process.stdout.read().split())
    process.close()
    assert kept < usual / 4
    assert grown < 24 * MIB


def test_keep_freed_memory_ends_with_the_outermost(monkeypatch: pytest.MonkeyPatch) -> None:
    settings: list[Mapping[int, int]] = []
    monkeypatch.setattr("ganstyle.devices._set_malloc", settings.append)
    with pytest.raises(ZeroDivisionError), keep_freed_memory(), keep_freed_memory():
        _ = 1 / 0
    kept, usual = settings
    assert kept.keys() <= usual.keys()  # each is set back
    assert all(kept[option] != usual[option] for option in kept)
