"""The sections that name a network: its constructor's keywords are recipe keys."""

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Literal, Self, get_type_hints

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganstyle.models import DISCRIMINATORS, GENERATORS, Discriminator
from ganstyle.recipe.fields import Count, Positive

_LARGEST = 4096  # of any keyword: beyond it, only building the network would take minutes
_MOST_WEIGHTS = 10**9


class NetworkSection(BaseModel):
    """A network's name; further keys are its constructor's keywords, checked against its annotations."""

    model_config = ConfigDict(extra="allow", frozen=True)

    networks: ClassVar[Mapping[str, type[nn.Module]]]

    name: str

    @property
    def options(self) -> dict[str, Any]:
        """The keywords for the constructor."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.name not in self.networks:
            raise ValueError(f"'{self.name}' is not one of {', '.join(self.networks)}")
        network = self.networks[self.name]
        assert self.model_extra is not None
        self.model_extra.update(_check_keywords(self.name, network, self.options))
        self._check_network(_build_without_memory(network, self.options))
        return self

    def _check_network(self, network: nn.Module) -> None:
        """Compare the network with the section's other keys; ValueError if they do not fit."""


class GeneratorSection(NetworkSection):
    """A generator's name; further keys are its constructor's keywords."""

    networks = GENERATORS

    name: str = Field("resnet", description="which network", json_schema_extra={"enum": [*GENERATORS]})


class DiscriminatorSection(NetworkSection):
    """A discriminator's name and what it is shown; further keys are its constructor's keywords."""

    networks = DISCRIMINATORS

    name: str = Field("patchgan", description="which network", json_schema_extra={"enum": [*DISCRIMINATORS]})
    patch_size: Count = Field(128, description="side of the real and generated crops it sees, in pixels")
    augment: list[Literal["translation", "cutout"]] = Field(
        [], description="differentiable augmentation of the crops, against overfitting to few paintings"
    )
    crop_scales: tuple[Positive, Positive] = Field(
        (0.75, 1.25), description="lowest and highest scale of the painting that real crops are cut at"
    )

    def _check_network(self, network: nn.Module) -> None:
        if self.crop_scales[0] > self.crop_scales[1]:
            raise ValueError(
                f"crop_scales must rise, not go {self.crop_scales[0]:g}, {self.crop_scales[1]:g}"
            )
        assert isinstance(network, Discriminator)
        if self.patch_size < network.minimum:
            raise ValueError(
                f"patch_size {self.patch_size} is smaller than the {network.minimum} that it needs; "
                "use fewer layers"
            )


@cache
def network_keywords(network: type[nn.Module]) -> type[BaseModel]:
    """Return a model of a constructor's keywords, with the types and defaults that are written there."""
    types = get_type_hints(network.__init__)
    fields: dict[str, Any] = {
        name: (types[name], ... if parameter.default is parameter.empty else parameter.default)
        for name, parameter in inspect.signature(network).parameters.items()
    }
    config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    return create_model(f"{network.__name__}Keywords", __config__=config, **fields)


def _check_keywords(name: str, network: type[nn.Module], options: Mapping[str, Any]) -> dict[str, Any]:
    """Check a constructor's keywords; return plain values."""
    model = network_keywords(network)  # type: ignore[arg-type]  # torch's stub hides that it is hashable
    for key, value in options.items():
        if key not in model.model_fields:
            known = ", ".join(model.model_fields)
            raise ValueError(f"'{key}' is not a keyword of {name}, which takes {known}")
        if isinstance(value, int | float) and abs(value) > _LARGEST:
            raise _wrong_keyword(key, f"should be at most {_LARGEST}", value)
    try:
        # In JSON, a list may stand for a tuple although nothing else is converted.
        return model.model_validate_json(json.dumps(options)).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        reason = first["msg"].replace("Input should", "should")
        raise _wrong_keyword(".".join(map(str, first["loc"])), reason, first["input"]) from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"keywords of {name} are numbers, text, true, false or lists ({error})") from error


def _wrong_keyword(key: str, reason: str, value: object) -> PydanticCustomError:
    return PydanticCustomError("keyword", "{reason}", {"key": key, "reason": reason, "given": value})


def _build_without_memory(network: type[nn.Module], options: Mapping[str, Any]) -> nn.Module:
    """Build a network on the meta device: its constructor knows best which values fit together."""
    # Spectral norm changes no shape, but computes with the weights: for that torch would load its compiler.
    unscaled = dict(options)
    if "spectral_norm" in inspect.signature(network).parameters:
        unscaled["spectral_norm"] = False
    try:
        with torch.device("meta"), _SkipInitialization():
            built = network(**unscaled)
    except (RuntimeError, OverflowError, TypeError) as error:  # torch's, of sizes beyond 64 bits
        raise ValueError(f"the network is too large to be built ({str(error).splitlines()[0]})") from error
    weights = sum(parameter.numel() for parameter in built.parameters())
    if weights > _MOST_WEIGHTS:
        raise ValueError(f"the network would have {weights:,} weights; make it smaller")
    return built


class _SkipInitialization(TorchFunctionMode):
    """Draws no initial weights: on the meta device torch would load its compiler to draw none."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        keywords = kwargs or {}
        if func in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else keywords["tensor"]
        return func(*args, **keywords)
