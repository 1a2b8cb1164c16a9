"""The generator for any painting in one file.

The file is a ``.safetensors`` in 16 bits, and in 8 what the encoder multiplies hundreds of statistics by; see
`quantize`. Its tensors are ``generator.*`` and ``neutral``, and its metadata are JSON strings. Nothing in it
is ever executed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from ganstyle._version import __version__
from ganstyle.errors import CheckpointError, one_line
from ganstyle.files import atomic_write, sha256, shipped_folder
from ganstyle.images import middle_part, resize_shorter
from ganstyle.losses import usable_pyramid
from ganstyle.losses.features import FeatureExtractor
from ganstyle.models import STUDENT_LAYERS, DistilledFeatures
from ganstyle.models.blueprint import build_blueprint
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.models.quantization import quantize
from ganstyle.recipe.networks import check_keywords
from ganstyle.weights.checkpoint_file import open_checkpoint, parse_metadata
from ganstyle.weights.files import path_in_environment
from ganstyle.weights.kinds import check_is_safetensors
from ganstyle.weights.student import load_student, shipped_student

FORMAT = "any-painting-1"
SHIPPED_ANY = "any.safetensors"

# Nearly half of all weights. In 8 bits, pictures differ by a fifth of a level of 255 at most.
_ENCODER_INPUT = re.compile(r"generator\.encoder\.networks\.\w+\.1\.weight")

_LARGEST = 2**14  # pixels of a painting's shorter side
_LONGEST = 4  # times the shorter side; more of a painting than this is not looked at


@dataclass(frozen=True)
class AnyPainting:
    """A generator for any painting, and what it sees paintings with.

    Attributes:
        generator: in evaluation mode and without gradients.
        features: the distilled VGG-16, on the generator's device.
        size: shorter side in pixels that a painting is looked at.
        neutral: the mean code of photos, (1, layers, size), which leaves photos as they are.
        sha256: of the file; a code is of use with the generator that made it only.
        options: the generator's constructor keywords.
        info: what else is known, as plain JSON values: ``recipe``, ``training`` and ``scores``.
    """

    generator: ModulatedGenerator
    features: FeatureExtractor
    size: int
    neutral: Tensor
    sha256: str
    options: Mapping[str, Any]
    info: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: str | Path) -> None:
        """Write the generator to a file; see `save_any`."""
        save_any(path, self.generator, self.neutral, self.info, options=self.options, size=self.size)

    def encode(self, painting: Tensor) -> Tensor:
        """Return the code of a painting (1, 3, H, W) in [0, 1], as `view` returns it: (1, layers, size)."""
        return encode(self.generator, self.features, painting)

    def view(self, painting: Tensor) -> Tensor:
        """Return the part of a painting (1, 3, H, W) that is looked at, at the size it is looked at in.

        All of it, but for scrolls: of these the middle, four times as long as wide.
        """
        return resize_shorter(middle_part(painting, _LONGEST), self.size)


def find_any(path: str | Path | None = None) -> Path:
    """Return the file of the generator for any painting.

    Args:
        path: the file, or ``any``: the one that ships with ganstyle; None: the one that ``GANSTYLE_ANY``
            names, else the one that ships.

    Raises:
        CheckpointError: there is no such file.
    """
    shipped = shipped_folder() / SHIPPED_ANY
    named = path_in_environment("GANSTYLE_ANY") if path is None else Path(path)
    found = shipped if named is None or str(named) == shipped.stem else named
    if not found.is_file():
        advice = "check its path" if named else "set GANSTYLE_ANY to one that 'ganstyle train-any' wrote"
        raise CheckpointError(
            f"{found}: there is no such file, the generator that paints in the style of any image; {advice}"
        )
    return found


def is_any(path: str | Path) -> bool:
    """Say whether a file is a generator for any painting, by its header; False if it cannot be read."""
    try:
        with open_checkpoint(path) as file:
            return file.metadata.get("format") == FORMAT
    except (SafetensorError, OSError, ValueError):
        return False


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
    """Write a generator atomically, as it is shipped.

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
    tensors = {key: value.detach().cpu().contiguous() for key, value in tensors.items()}
    long = {key: value for key, value in tensors.items() if _ENCODER_INPUT.fullmatch(key)}
    rest = {key: value for key, value in tensors.items() if key not in long}
    content = save(quantize(rest) | quantize(long, bits=8), metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def load_any(path: str | Path) -> AnyPainting:
    """Load a generator for any painting.

    Raises:
        CheckpointError: the file is missing, damaged or of another kind.
        WeightsError: the distilled VGG-16 is missing.
    """
    check_is_safetensors(Path(path))
    try:
        with open_checkpoint(path) as file:
            if file.metadata.get("format") != FORMAT:
                raise CheckpointError(
                    f"{path}: not a generator for any painting; give a file that 'ganstyle train-any' wrote"
                )
            options = check_keywords(
                "modulated", ModulatedGenerator, parse_metadata(file.metadata["generator"], dict)
            )
            plan = build_blueprint(ModulatedGenerator, options)
            expected = {f"generator.{key}": value for key, value in plan.state_dict().items()}
            expected["neutral"] = torch.empty(1, len(plan.encoder.layers), plan.encoder.size, device="meta")
            tensors = file.read(expected)
            size, info = (
                parse_metadata(file.metadata["size"], int),
                parse_metadata(file.metadata["info"], dict),
            )
            if not 1 <= size <= _LARGEST:
                raise ValueError(f"size {size} is not from 1 to {_LARGEST}")
        generator = ModulatedGenerator(**options)
        neutral = tensors.pop("neutral").float()
        generator.load_state_dict({k.removeprefix("generator."): v for k, v in tensors.items()})
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path}: not a readable checkpoint ({error}); fetch it again") from error
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = one_line(error, 200)
        raise CheckpointError(f"{path}: the checkpoint does not hold what it should ({reason})") from error
    generator.eval().requires_grad_(False)
    return AnyPainting(generator, encoder_features(), size, neutral, sha256(path), options, info)
