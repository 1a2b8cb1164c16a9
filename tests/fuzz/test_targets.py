"""A short version of the fuzzing, with a fixed seed, and the inputs that have failed once."""

import random
import time

import pytest

pytest.importorskip("gradio")

from tests.fuzz.targets import TARGETS, seeds

REGRESSIONS = [
    ("gui", b"9" * 400),  # a size in bytes that is no float
]


def mutated(data: bytes, rng: random.Random) -> bytes:
    """Return an input with some bytes changed, removed or repeated."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place, end = sorted(rng.randrange(len(changed) + 1) for _ in range(2))
        match rng.randrange(4):
            case 0:
                changed[place:end] = b""
            case 1:
                changed[place:place] = changed[place:end][:200]
            case 2:
                changed[place : place + 1] = rng.randbytes(1)
            case _:
                changed[place : place + 4] = rng.choice(
                    [b"\xff\xff\xff\xff", b"\0\0\0\0", b"\x7f\xff\xff\xff"]
                )
    return bytes(changed)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_inputs(name: str) -> None:
    rng = random.Random(0)
    for seed in seeds(name):
        TARGETS[name](seed)
        for _ in range(120 // len(seeds(name))):
            data = mutated(seed, rng)
            began = time.process_time()
            TARGETS[name](data)
            assert time.process_time() - began < 5, data


@pytest.mark.parametrize(("name", "data"), REGRESSIONS)
def test_inputs_that_failed_once(name: str, data: bytes) -> None:
    TARGETS[name](data)
