"""The sections that name a network: its constructor's keywords are recipe keys."""

import inspect
import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any, ClassVar, Literal, Self, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model, model_validator
from pydantic_core import PydanticCustomError
from torch import nn

from ganstyle.models import DISCRIMINATORS, GENERATORS, Discriminator
from ganstyle.models.blueprint import build_blueprint
from ganstyle.recipe.fields import Scales, Side

_LARGEST = 4096  # of any keyword: beyond it, only building the network would take minutes


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
        self.model_extra.update(check_keywords(self.name, network, self.options))
        self._check_network(_blueprint(network, tuple(self.options.items())))  # type: ignore[arg-type]  # as below
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
    patch_size: Side = Field(128, description="side of the real and generated crops it sees, in pixels")
    augment: list[Literal["translation", "cutout"]] = Field(
        [], description="differentiable augmentation of the crops, against overfitting to few paintings"
    )
    crop_scales: Scales = Field(
        (0.75, 1.25), description="lowest and highest scale of the painting that real crops are cut at"
    )

    def _check_network(self, network: nn.Module) -> None:
        assert isinstance(network, Discriminator)
        if self.patch_size < network.minimum:
            layers = (
                ", or use fewer layers" if "layers" in inspect.signature(type(network)).parameters else ""
            )
            raise ValueError(
                f"patch_size {self.patch_size} is smaller than the {network.minimum} that it needs; "
                f"raise it{layers}"
            )


@lru_cache(maxsize=32)
def _blueprint(network: type[nn.Module], options: tuple[tuple[str, Any], ...]) -> nn.Module:
    """Build a network without weights; one process meets the same few again and again."""
    return build_blueprint(network, dict(options))


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


def check_keywords(name: str, network: type[nn.Module], options: Mapping[str, Any]) -> dict[str, Any]:
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
