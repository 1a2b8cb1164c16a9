"""The generator for any painting in one file, and the codes of paintings.

The file is a ``.safetensors`` in half precision. Its tensors are ``generator.*`` and ``neutral``; its
metadata are JSON strings. Nothing in it is ever executed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from ganstyle._version import __version__
from ganstyle.errors import CheckpointError
from ganstyle.files import atomic_write
from ganstyle.images import resize_shorter
from ganstyle.losses import usable_pyramid
from ganstyle.losses.features import FeatureExtractor
from ganstyle.models import STUDENT_LAYERS, DistilledFeatures
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.weights.student import load_student, shipped_student

FORMAT = "any-painting-1"


@dataclass(frozen=True)
class AnyPainting:
    """A generator for any painting, and what it sees paintings with.

    Attributes:
        generator: in evaluation mode and without gradients.
        features: the distilled VGG-16, on the generator's device.
        size: shorter side in pixels that a painting is looked at.
        neutral: the mean code of photos, (1, layers, size), which leaves photos as they are.
        info: what else is known, as plain JSON values: ``recipe``, ``training`` and ``scores``.
    """

    generator: ModulatedGenerator
    features: FeatureExtractor
    size: int
    neutral: Tensor
    info: Mapping[str, Any] = field(default_factory=dict)

    def encode(self, painting: Tensor) -> Tensor:
        """Return the code of a painting (1, 3, H, W) in [0, 1]: (1, layers, size)."""
        return encode(self.generator, self.features, resize_shorter(painting, self.size))


@torch.no_grad()
def encode(generator: ModulatedGenerator, features: FeatureExtractor, paintings: Tensor) -> Tensor:
    """Return the codes of paintings (B, 3, H, W) in [0, 1], at the size they are given in."""
    pyramid = usable_pyramid(paintings, generator.encoder.octaves)
    return generator.encode([features(image) for image in pyramid])


def encoder_features() -> DistilledFeatures:
    """Return what encoders see paintings with: the distilled VGG-16 that ships with ganstyle.

    Raises:
        WeightsError: it is missing or damaged.
    """
    return DistilledFeatures(list(STUDENT_LAYERS), student=load_student(shipped_student(), "replicate"))


def save_any(
    path: str | Path,
    generator: ModulatedGenerator,
    neutral: Tensor,
    info: Mapping[str, Any],
    *,
    options: Mapping[str, Any],
    size: int,
) -> None:
    """Write a generator atomically, in half precision.

    Args:
        path: the file.
        generator: with its weights.
        neutral: the mean code of photos.
        info: JSON values only.
        options: the generator's constructor keywords.
        size: shorter side in pixels that a painting is looked at.
    """
    tensors = {f"generator.{key}": value for key, value in generator.state_dict().items()}
    tensors["neutral"] = neutral
    metadata = {
        "format": FORMAT,
        "ganstyle": __version__,
        "generator": json.dumps(dict(options)),
        "size": json.dumps(size),
        "info": json.dumps(info),
    }
    halves = {key: value.detach().to("cpu", torch.float16).contiguous() for key, value in tensors.items()}
    content = save(halves, metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load_any(path: str | Path) -> AnyPainting:
    """Load a generator for any painting.

    Raises:
        CheckpointError: the file is missing, damaged or of another kind.
        WeightsError: the distilled VGG-16 is missing.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118 (not a dict)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error}); fetch it again") from error
    if metadata.get("format") != FORMAT:
        raise CheckpointError(
            f"{path}: not a generator for any painting; give a file that 'ganstyle train-any' wrote"
        )
    try:
        generator = ModulatedGenerator(**json.loads(metadata["generator"]))
        neutral = tensors.pop("neutral")
        generator.load_state_dict({k.removeprefix("generator."): v for k, v in tensors.items()})
        size, info = int(json.loads(metadata["size"])), json.loads(metadata["info"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise CheckpointError(f"{path}: the checkpoint does not hold what it should ({reason})") from error
    generator.eval().requires_grad_(False)
    return AnyPainting(generator, encoder_features(), size, neutral, info)
