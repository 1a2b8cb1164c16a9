"""Starting Accelerate, and what every process of a launch needs first."""

import os
import warnings
from contextlib import nullcontext
from datetime import timedelta
from typing import Literal

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import parse_flag_from_env
from torch import Tensor
from torch.utils.data import DataLoader

from ganstyle.data.training import SeededDataset, training_loader
from ganstyle.devices import fast_bfloat16, pick_device
from ganstyle.errors import RecipeError, RunError
from ganstyle.recipe import RunRecipe
from ganstyle.weights import WeightsFile, find_vgg16

TIMEOUT_VARIABLE = "GANSTYLE_TIMEOUT"
"""The environment variable with the seconds that a process waits for the others."""

_LONGEST_TIMEOUT = 7 * 24 * 3600

Precision = Literal["fp32", "bf16", "fp16"]


def start_accelerator(precision: Literal["auto"] | Precision, *, accumulate: int) -> Accelerator:
    """Start Accelerate in this process, together with the other processes of a launch.

    Args:
        precision: of the networks' convolutions; ``auto`` is bf16 where the device has it natively, and
            fp32 elsewhere.
        accumulate: batches a step.

    Raises:
        RecipeError: fp16 was asked for on a CPU.
        RunError: the processes would each train alone.
    """
    # By default, Accelerate lets each process that torchrun starts on CPUs train alone.
    on_cpu = parse_flag_from_env("ACCELERATE_USE_CPU") or pick_device().type == "cpu"
    processes = PartialState(cpu=on_cpu, timeout=_patience())
    expected = int(os.environ.get("WORLD_SIZE", "1"))
    if processes.num_processes != expected:
        raise RunError(
            f"{expected} processes were launched but each would train alone; "
            "on CPUs, launch with ACCELERATE_USE_CPU=true torchrun --standalone --nproc_per_node …"
        )
    if precision == "auto":
        precision = "bf16" if fast_bfloat16(processes.device) else "fp32"
    if precision == "fp16" and processes.device.type == "cpu":
        raise RecipeError("'precision': fp16 needs a GPU; set precision=auto")
    # Accelerate keeps one state a process; a second training in it may want another precision.
    AcceleratorState._reset_state()
    return Accelerator(
        cpu=on_cpu,
        mixed_precision="no" if precision == "fp32" else precision,
        gradient_accumulation_steps=accumulate,
    )


def _patience() -> timedelta:
    """Return how long a process waits for the others, which may be scoring or saving."""
    given = os.environ.get(TIMEOUT_VARIABLE) or "1800"
    if not given.isdecimal() or not 1 <= int(given) <= _LONGEST_TIMEOUT:
        raise RunError(f"{TIMEOUT_VARIABLE}={given}: give whole seconds, from 1 to {_LONGEST_TIMEOUT}")
    return timedelta(seconds=int(given))


def same_everywhere(accelerator: Accelerator, digest: bytes) -> bool:
    """Return whether every process passes the same hash, of 7 bytes or more. A collective call."""
    # 56 bits fit a signed 64-bit integer, which every backend can gather.
    mine = torch.tensor([int.from_bytes(digest[:7])], device=accelerator.device)
    return len(accelerator.gather(mine).unique()) == 1


def find_weights(accelerator: Accelerator, spec: str) -> WeightsFile:
    """Find the VGG-16 on all processes; see ``ganstyle.weights.find_vgg16``. A collective call.

    Raises:
        WeightsError: there is none.
        RunError: not all machines have the same one.
    """
    told_once = nullcontext() if accelerator.is_main_process else warnings.catch_warnings(action="ignore")
    with accelerator.local_main_process_first(), told_once:  # one downloads, the others find the file
        weights = find_vgg16(spec)
    if not same_everywhere(accelerator, bytes.fromhex(weights.sha256)):
        raise RunError(
            f"the machines have different VGG-16 networks, one of them {weights.path}; "
            "give every one the same file, by GANSTYLE_VGG16 or by vgg in the recipe"
        )
    return weights


def feature_dtype(accelerator: Accelerator) -> torch.dtype:
    """Return the dtype of the VGG: bfloat16 if the networks use it, else float32; float16 would overflow."""
    return torch.bfloat16 if accelerator.mixed_precision == "bf16" else torch.float32


def start_loader(
    data: SeededDataset, recipe: RunRecipe, accelerator: Accelerator, *, photos: int
) -> DataLoader[dict[str, Tensor]]:
    """Return a loader of this process's batches, after ``photos`` have been drawn by all processes."""
    return training_loader(
        data,
        batch_size=recipe.batch_size,
        seed=recipe.seed,
        start=photos,
        rank=accelerator.process_index,
        world_size=accelerator.num_processes,
        workers=recipe.workers,
        pin_memory=accelerator.device.type == "cuda",
    )
