"""The code of a painting, or of a mixture of several, and its small file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save
from torch import Tensor

from ganstyle._version import __version__
from ganstyle.errors import CheckpointError, one_line
from ganstyle.files import atomic_write
from ganstyle.weights.checkpoint_file import open_checkpoint, parse_metadata
from ganstyle.weights.kinds import file_format

FORMAT = "style-code-1"

_LARGEST = 2**20  # numbers in a code; the usual one has some hundreds


@dataclass(frozen=True, eq=False)
class StyleCode:
    """What the generator for any painting knows of a style.

    Attributes:
        name: of the style.
        values: (1, layers, size), float32.
        generator: SHA-256 of the generator's file, which alone can read the code.
        paintings: where the code comes from, as far as files are known.
    """

    name: str
    values: Tensor
    generator: str
    paintings: tuple[str, ...] = ()


def mix_codes(codes: Sequence[StyleCode], shares: Sequence[float]) -> StyleCode:
    """Return the weighted mean of codes.

    Args:
        codes: one or more, by one generator.
        shares: the weight of each; they are divided by their sum, which must be above 0.
    """
    if len(codes) == 1:
        return codes[0]
    total = sum(shares)
    values = torch.stack([code.values * (share / total) for code, share in zip(codes, shares, strict=True)])
    paintings = tuple(dict.fromkeys(painting for code in codes for painting in code.paintings))
    return StyleCode("-".join(code.name for code in codes), values.sum(0), codes[0].generator, paintings)


def save_code(path: str | Path, code: StyleCode) -> None:
    """Write a code atomically; a few kilobytes."""
    metadata = {
        "format": FORMAT,
        "ganstyle": __version__,
        "name": json.dumps(code.name),
        "generator": code.generator,
        "paintings": json.dumps(code.paintings),
    }
    content = save({"code": code.values.detach().cpu().contiguous()}, metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def is_code(path: str | Path) -> bool:
    """Say whether a file is a code."""
    return file_format(path).startswith("style-code")


def load_code(path: str | Path) -> StyleCode:
    """Load a code.

    Raises:
        CheckpointError: the file is damaged or of another kind.
    """
    try:
        with open_checkpoint(path) as file:
            metadata = file.metadata
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')}, not {FORMAT}")
            layers, size = (*file.shapes.get("code", ()), 0, 0, 0)[1:3]
            if not 0 < layers * size <= _LARGEST:
                raise ValueError("its numbers are damaged")
            values = file.read({"code": torch.empty(1, layers, size, device="meta")})["code"].float()
        paintings = tuple(map(str, parse_metadata(metadata["paintings"], list)))
        return StyleCode(parse_metadata(metadata["name"], str), values, metadata["generator"], paintings)
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        reason = one_line(error, 200)
        raise CheckpointError(f"{path}: not a readable style code ({reason}); save it again") from error
