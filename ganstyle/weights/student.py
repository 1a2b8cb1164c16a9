"""A distilled VGG-16 in one file: the student's weights, and where they came from.

The file is a ``.safetensors``: float16 tensors, and metadata that are JSON strings.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save

from ganstyle._version import __version__
from ganstyle.errors import WeightsError, one_line
from ganstyle.files import atomic_write, shipped_folder
from ganstyle.models import VGG16Student
from ganstyle.models.blueprint import build_blueprint
from ganstyle.models.vgg import Padding
from ganstyle.weights.checkpoint_file import open_checkpoint, parse_metadata
from ganstyle.weights.files import unreadable
from ganstyle.weights.kinds import file_format

FORMAT = "vgg16-student 2"
SHIPPED_STUDENT = "vgg16-distilled.safetensors"


def shipped_student() -> Path:
    """Return the path of the student that ships with ganstyle, whether it exists or not."""
    return shipped_folder() / SHIPPED_STUDENT


def save_student(path: str | Path, student: VGG16Student, info: Mapping[str, Any]) -> None:
    """Write a student without batch norm, atomically. ``info`` must hold JSON values only."""
    tensors = {
        key: value.detach().to("cpu", torch.float16).contiguous()
        for key, value in student.state_dict().items()
    }
    metadata = {
        "format": FORMAT,
        "ganstyle": __version__,
        "student": json.dumps(student.options),
        "info": json.dumps(info),
    }
    content = save(tensors, metadata)
    with atomic_write(path) as temporary:
        temporary.write_bytes(content)


def is_student(path: str | Path) -> bool:
    """Say whether a file is a student, damaged or not; a missing or foreign file is not."""
    return file_format(path).startswith("vgg16-student")


def load_student(path: str | Path, padding: Padding = "zeros") -> VGG16Student:
    """Read a student; its weights are float32 then.

    Args:
        path: the file.
        padding: what is beyond a map's border; see `VGG16Features`.

    Raises:
        WeightsError: there is no such file, or it cannot be read, is damaged or not a student of this format.
    """
    try:
        with open_checkpoint(path) as file:
            if file.metadata.get("format") != FORMAT:
                raise WeightsError(
                    f"{path}: not a distilled VGG-16 of format '{FORMAT}' but '{file.metadata.get('format')}'"
                )
            options = parse_metadata(file.metadata["student"], dict) | {"padding": padding}
            tensors = file.read(build_blueprint(VGG16Student, options).state_dict())
        student = VGG16Student(**options)
        student.load_state_dict(tensors)
    except OSError as error:
        raise unreadable(Path(path), error) from error
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        reason = one_line(error, 200)
        raise WeightsError(
            f"{path}: not a readable distilled VGG-16 ({reason}); it is incomplete or of another format"
        ) from error
    return student
