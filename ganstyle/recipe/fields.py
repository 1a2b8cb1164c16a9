"""The types of a recipe's values: what is accepted, and what is said of anything else."""

import os
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from ganstyle.recipe.strict_yaml import SourceFloat, SourceInt


def _no_boolean(value: object) -> object:
    if isinstance(value, bool):
        raise PydanticCustomError("number", "should be a number")
    return value


def _only_boolean(value: object) -> object:
    if not isinstance(value, bool):
        raise PydanticCustomError("boolean", "should be true or false")
    return value


def _as_written(value: object) -> object:
    """Read a number as the text that it was written as: a year, or a run's name such as 001."""
    if isinstance(value, SourceInt | SourceFloat):
        return value.source
    if isinstance(value, bool):
        raise PydanticCustomError("text", "should be text; put it in quotes")
    return str(value) if isinstance(value, int | float) else value


def _no_null(value: object) -> object:
    if value is None:
        raise PydanticCustomError("path", "should be a path; YAML reads a lone ~ as null, so write ~/")
    return value


def _rising(scales: tuple[float, float]) -> tuple[float, float]:
    if scales[0] > scales[1]:
        raise PydanticCustomError("scales", "must rise")
    return scales


def _from_one(scales: tuple[float, float]) -> tuple[float, float]:
    if not 1 <= scales[0] <= scales[1]:
        raise PydanticCustomError("scales", "must rise from 1 or more")
    return scales


def _equal_weights(value: object) -> object:
    """Read a plain list of layers as layers of weight 1."""
    return {str(layer): 1.0 for layer in value} if isinstance(value, list) else value


# The bounds of a number stand before the check for booleans: otherwise the JSON schema lacks them.
Number = BeforeValidator(_no_boolean)
# Optimizers compute in float32, where a larger number overflows when it is divided by a bias correction.
_LARGEST = 1e30
NonNegative = Annotated[float, Field(ge=0, le=_LARGEST, allow_inf_nan=False), Number]
Positive = Annotated[float, Field(gt=0, le=_LARGEST, allow_inf_nan=False), Number]
Scales = Annotated[tuple[Positive, Positive], AfterValidator(_rising)]
CropScales = Annotated[tuple[Positive, Positive], AfterValidator(_from_one)]
Decay = Annotated[float, Field(ge=0, lt=1), Number]
Count = Annotated[int, Field(ge=1, lt=2**31), Number]
_LARGEST_SIDE = 2**14
Side = Annotated[int, Field(ge=1, le=_LARGEST_SIDE), Number]
"""A side in pixels. Tensors of larger pictures overflow instead of being too large for the memory."""
NetworkSide = Annotated[int, Field(ge=16, le=_LARGEST_SIDE), Number]
"""Likewise, of what a network that halves it several times must see."""
BatchSize = Annotated[int, Field(ge=1, le=2**16), Number]
OctaveWeights = Annotated[list[Positive], Field(min_length=1, max_length=8)]
Octaves = Annotated[
    Annotated[int, Field(ge=1, le=8), Number, Tag("(number)")] | Annotated[OctaveWeights, Tag("(weights)")],
    Discriminator(lambda value: "(weights)" if isinstance(value, list) else "(number)"),
]
"""A number of octaves of equal weight, or a weight for each, the full size first."""
Interval = Annotated[int, Field(ge=0), Number]
Flag = Annotated[bool, BeforeValidator(_only_boolean)]
Text = Annotated[str, BeforeValidator(_as_written)]
"""Text; a number is read as it is written."""
PathText = Annotated[Text, BeforeValidator(_no_null), AfterValidator(os.path.expanduser)]
"""A path, or a name that stands for a file; a leading ``~`` is replaced by the user's home folder."""
_POSITIVE = {"type": "number", "exclusiveMinimum": 0}
LayerWeights = Annotated[
    dict[str, Positive],
    BeforeValidator(_equal_weights),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "object", "additionalProperties": _POSITIVE, "minProperties": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
"""Layers and their weights; a plain list gives each layer weight 1."""
