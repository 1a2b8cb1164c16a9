"""What a file records about the training that made it, as plain JSON values."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from accelerate import Accelerator

from ganstyle.runs.run import RunState
from ganstyle.runs.training_state import TrainingState
from ganstyle.weights import WeightsFile


class DescribedPhase(Protocol):
    """The part of a phase that is recorded.

    Attributes:
        end: the step that it ends with.
        image_size: side of the photos' crops in pixels.
        weights: the feature network's file.
    """

    @property
    def end(self) -> int: ...  # noqa: D102
    @property
    def image_size(self) -> int: ...  # noqa: D102
    @property
    def weights(self) -> WeightsFile: ...  # noqa: D102


def describe_generator(
    accelerator: Accelerator,
    state: TrainingState,
    phases: Sequence[DescribedPhase],
    scores: Mapping[str, float],
    protocol: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe a generator's training.

    Args:
        accelerator: says on what it was trained.
        state: the training, as it is now.
        phases: those to record; none for a training of one phase whose network is recorded elsewhere.
        scores: of this step; may be empty.
        protocol: how they were measured.
    """
    info = describe_run(accelerator, state, scores, protocol)
    if state.init:
        info["init"] = state.init
    if phases:
        info["phases"] = [
            {"end": phase.end, "image_size": phase.image_size, "vgg": phase.weights.identity}
            for phase in phases
        ]
    return info


def describe_run(
    accelerator: Accelerator, state: RunState, scores: Mapping[str, float], protocol: Mapping[str, Any]
) -> dict[str, Any]:
    """Describe a training of any kind: how long, on what, and the scores of this step, if there are any."""
    info: dict[str, Any] = {
        "training": {
            "steps": state.step,
            "photos": state.photos,
            "seconds": round(state.seconds, 1),
            "hardware": _describe_hardware(accelerator),
            "precision": accelerator.mixed_precision.replace("no", "fp32"),
        }
    }
    if scores:
        info["scores"] = {**scores, "protocol": protocol}
    return info


def _describe_hardware(accelerator: Accelerator) -> str:
    """Describe the hardware, such as ``2 x NVIDIA H200`` or ``1 x CPU (2 threads)``."""
    if accelerator.device.type == "cuda":
        name = torch.cuda.get_device_name(accelerator.device)
    else:
        threads = torch.get_num_threads()
        name = f"{accelerator.device.type.upper()} ({threads} thread{'' if threads == 1 else 's'})"
    return f"{accelerator.num_processes} x {name}"
