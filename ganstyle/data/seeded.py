"""Random numbers that depend on what is drawn, not on what was drawn before.

Everything random about a training sample follows from (seed, epoch, index). No generator has a state that
would have to be saved, and neither the number of workers nor that of processes changes a sample.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What the random numbers are for; streams of one sample are independent of each other."""

    ORDER = 0
    CONTENT = 1
    STYLE = 2
    PICTURE = 3
    STRENGTH = 4


def keyed_generator(seed: int, epoch: int, index: int, stream: int) -> np.random.Generator:
    """Return the generator that belongs to one sample, always in the same initial state.

    Args:
        seed: the run's seed, at least 0.
        epoch: how often the data set has been gone through before, at least 0.
        index: the sample's place in the data set, at least 0.
        stream: what the numbers are for, one of `Stream`.

    Returns:
        A fresh PCG64 generator. NumPy's ``SeedSequence`` hashes the key, so that neighboring seeds, epochs
        and indices give unrelated numbers.

    Raises:
        ValueError: one of the numbers is negative.
    """
    if min(seed, epoch, index, stream) < 0:
        raise ValueError(f"seed, epoch, index and stream must be >= 0: {(seed, epoch, index, stream)}")
    key = (int(stream), epoch, index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
