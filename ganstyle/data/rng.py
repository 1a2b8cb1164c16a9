"""Stateless random numbers: one generator per training sample.

Everything random about a sample is a function of (seed, epoch, index). There is no generator state to save,
and a sample does not depend on the number of workers or processes.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What the random numbers are used for; the streams of a sample are independent."""

    ORDER = 0
    CONTENT = 1
    STYLE = 2
    PICTURE = 3
    STRENGTH = 4
    AUGMENT = 5
    WINDOW = 6
    MOTION = 7
    SLICES = 8


def sample_rng(seed: int, epoch: int, index: int, stream: int) -> np.random.Generator:
    """Return the random number generator of one sample, always in the same initial state.

    Args:
        seed: the run's seed, at least 0.
        epoch: number of completed passes over the data set, at least 0.
        index: the sample's index in the data set, at least 0.
        stream: what the numbers are used for, one of `Stream`.

    Returns:
        A new PCG64 generator. NumPy's ``SeedSequence`` hashes the key, so neighboring seeds, epochs and
        indices give unrelated numbers.

    Raises:
        ValueError: one of the numbers is negative.
    """
    if min(seed, epoch, index, stream) < 0:
        raise ValueError(f"seed, epoch, index and stream must be >= 0: {(seed, epoch, index, stream)}")
    key = (int(stream), epoch, index)
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))
