"""The recipe: one validated YAML file that says everything about a training.

Every default of a training is written here, once. An unknown key, a wrong type or an impossible value is an
error that names the key; nothing is silently ignored.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import torch
import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ganstyle.errors import RecipeError
from ganstyle.losses import GAN_LOSSES
from ganstyle.models import DISCRIMINATORS, GENERATORS, Discriminator
from ganstyle.recipe.load import explain, read_recipe


def _equal_weights(value: object) -> object:
    """Read a plain list of layers as layers of weight 1."""
    return {str(layer): 1.0 for layer in value} if isinstance(value, list) else value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError(f"input should be a number, not {str(value).lower()}")
    return value


Number = BeforeValidator(_no_bool)
NonNegative = Annotated[float, Number, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Number, Field(gt=0, allow_inf_nan=False)]
Decay = Annotated[float, Number, Field(ge=0, lt=1)]
Count = Annotated[int, Number, Field(ge=1)]
Interval = Annotated[int, Number, Field(ge=0, description="every so many steps; 0 turns it off")]
LayerWeights = Annotated[dict[str, Positive], BeforeValidator(_equal_weights), Field(min_length=1)]


class Section(BaseModel):
    """A part of a recipe. It cannot be changed once it is validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class ContentSection(Section):
    """Where the photos come from; see ``ganstyle.data.open_content``."""

    kind: Literal["folder", "lsun", "torchvision"] = "folder"
    path: str = Field("data/content", description="the folder, or the root of the data set")
    classes: list[str] | None = Field(None, description="lsun: such as [church_outdoor_train]")
    name: str | None = Field(None, description="torchvision: Imagenette, Flowers102 or Places365")
    split: str | None = Field(None, description="torchvision: the data set's own name of a part")
    download: bool | None = Field(None, description="torchvision: fetch it when it is not there")

    def options(self) -> dict[str, Any]:
        """Return the keywords of ``open_content`` that are set."""
        return self.model_dump(exclude_none=True)


class StyleSection(Section):
    """The painting, or a folder of paintings by one hand, and how large they are looked at."""

    path: str = Field(description="one image, or a folder of images")
    size: Count = Field(384, description="the painting's shorter side in pixels: sets the strokes' size")
    title: str = ""
    author: str = ""
    year: str = ""
    license: str = ""

    @model_validator(mode="before")
    @classmethod
    def _accept_british_spelling(cls, values: Any) -> Any:
        """Read ``licence``, as recipes and styles of version 0.1.0 spell it."""
        if isinstance(values, Mapping) and "licence" in values and "license" not in values:
            return {("license" if key == "licence" else key): value for key, value in values.items()}
        return values


class GeneratorSection(BaseModel):
    """A generator's name; further keys are its constructor's keywords."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "resnet"

    @property
    def options(self) -> dict[str, Any]:
        """The keywords for the constructor."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        _build(GENERATORS, self.name, self.options)
        return self


class DiscriminatorSection(BaseModel):
    """A discriminator's name and what it is shown; further keys are its constructor's keywords."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "patchgan"
    patch_size: Count = Field(128, description="side of the real and generated crops it sees, in pixels")

    @property
    def options(self) -> dict[str, Any]:
        """The keywords for the constructor."""
        return dict(self.model_extra or {})

    @model_validator(mode="after")
    def _check(self) -> Self:
        network = _build(DISCRIMINATORS, self.name, self.options)
        assert isinstance(network, Discriminator)
        if self.patch_size < network.minimum:
            raise ValueError(
                f"patch_size {self.patch_size} is smaller than the {network.minimum} that it needs; "
                "use fewer layers"
            )
        return self


def _build(registry: Mapping[str, type[nn.Module]], name: str, options: Mapping[str, Any]) -> nn.Module:
    """Build the network without its weights' memory: its constructor knows best what it takes."""
    if name not in registry:
        raise ValueError(f"'{name}' is not one of {', '.join(registry)}")
    known = inspect.signature(registry[name]).parameters
    for key in options:
        if key not in known:
            raise ValueError(f"'{key}' is not a keyword of {name}, which takes {', '.join(known)}")
    # Spectral norm changes no shape, but computes with the weights: for that torch would load its compiler.
    unscaled = {key: value for key, value in options.items() if key != "spectral_norm"}
    with torch.device("meta"), _SkipInitialization():
        return registry[name](**unscaled)


class _SkipInitialization(TorchFunctionMode):
    """Draws no initial weights: on the meta device torch would load its compiler to draw none."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        keywords = kwargs or {}
        if func in (Tensor.normal_, nn.init.normal_):
            return args[0] if args else keywords["tensor"]
        return func(*args, **keywords)


class LossSection(Section):
    """The generator's loss: a weighted sum of relative content and style, smoothness and fooling D."""

    content: NonNegative = 1.0
    style: NonNegative = 5.0
    tv: NonNegative = 0.0
    adversarial: NonNegative = 0.5
    gan: str = Field("hinge", description="lsgan, hinge or nonsaturating")
    r1: NonNegative = Field(0.0, description="weight of the gradient penalty on D's real patches")
    r1_every: Count = Field(16, description="lazy R1: in every so many steps, so many times as strong")
    content_layers: LayerWeights = {"relu3_3": 1.0}
    style_layers: LayerWeights = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}

    @field_validator("gan")
    @classmethod
    def _check_gan(cls, name: str) -> str:
        if name not in GAN_LOSSES:
            raise ValueError(f"'{name}' is not one of {', '.join(GAN_LOSSES)}")
        return name

    @property
    def layers(self) -> list[str]:
        """Every layer that the feature network must give."""
        return sorted({*self.content_layers, *self.style_layers})


class OptimizerSection(Section):
    """Adam for both networks, with a schedule that both follow; Muon for the generator's kernels if asked."""

    lr: Positive = 1.0e-3
    lr_muon: NonNegative = Field(
        0.0, description="of Muon on the kernels of the generator's hidden layers, such as 0.02; 0: Adam"
    )
    lr_discriminator: Positive = 2.0e-4
    betas: tuple[Decay, Decay] = (0.5, 0.999)
    schedule: Literal["cosine", "constant"] = "cosine"
    warmup: Interval = Field(0, description="steps of linear rise at the start")
    clip: Positive = Field(5.0, description="largest norm of a network's gradient")


class RunSection(Section):
    """What a run writes, and how often; the run's folder is dir/name."""

    dir: str = "runs"
    save_every: Interval = 500
    log_every: Count = 10
    keep: Count = Field(2, description="how many training states are kept")


class SampledRunSection(RunSection):
    """A run that also shows pictures as it goes."""

    sample_every: Interval = 250
    samples: Count = Field(4, description="how many fixed photos the sample grids show")


class ScoreSection(Section):
    """Scoring of the EMA generator on validation photos while it trains."""

    every: Interval = 0
    content: str = Field("data/val", description="a folder of photos that are not trained on")
    count: Count = Field(20, description="how many of them")
    size: Count = Field(384, description="their shorter side in pixels")
    fid: bool = Field(False, description="FID and KID of VGG-16's features as well")
    select: Literal[
        "weighted",
        "content",
        "style",
        "mse",
        "ssim",
        "fid_vgg16_style",
        "kid_vgg16_style",
        "fid_vgg16_content",
        "kid_vgg16_content",
    ] = Field("weighted", description="which score decides what best.safetensors is")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "vgg16" in self.select and not self.fid:
            raise ValueError(f"select {self.select} needs fid: true")
        return self


class RunRecipe(Section):
    """What every run is told, whatever it trains."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    seed: Annotated[int, Number, Field(ge=0, lt=2**32)] = 0
    steps: Count = 4000
    batch_size: Count = Field(4, description="photos a step and process")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    workers: Annotated[int, Number, Field(ge=0)] = Field(2, description="processes that load data")
    content: ContentSection = ContentSection()
    run: RunSection = RunSection()
    vgg: str = Field("auto", description="auto, distilled, imagenet or a file; see ganstyle.weights")
    resume: str = Field("auto", description="auto, never, or a training state's folder")

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.run.dir) / self.name

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as YAML and JSON have them."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the whole recipe, every default written out."""
        return yaml.safe_dump(self.to_dict(), sort_keys=False, allow_unicode=True)

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Read a recipe and apply ``key=value`` overrides to it; see `ganstyle.recipe.load.read_recipe`.

        Args:
            path: a YAML file.
            overrides: such as ``["steps=200", "loss.style=10", "discriminator=null"]``; the value is YAML.

        Raises:
            RecipeError: the file cannot be read, or it or an override does not fit.
        """
        return cls.parse(read_recipe(path, overrides), source=str(path))

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str) -> Self:
        """Validate plain values; ``source`` names them in an error.

        Raises:
            RecipeError: an unknown key, a wrong type or an impossible value.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first, *rest = error.errors()
            more = f" (and {len(rest)} more)" if rest else ""
            raise RecipeError(" ".join(f"{source}: {explain(first, cls)}{more}".split())) from error


class PhaseSection(Section):
    """A part of the steps, and what is different in it."""

    until: Annotated[float, Number, Field(gt=0, le=1)] = Field(
        description="where it ends: 1 is the last step"
    )
    image_size: Count | None = Field(None, description="instead of the recipe's")
    vgg: str | None = Field(None, description="instead of the recipe's")
    strengths: bool = Field(True, description="whether a generator that can be told is told others than 1")


class Recipe(RunRecipe):
    """Everything that decides how a style comes out."""

    accumulate: Count = Field(1, description="batches a step: gradient accumulation")
    image_size: Count = Field(256, description="side of the photos' crops in pixels")
    ema: Decay = Field(0.999, description="decay of the averaged generator")
    init: str | None = Field(None, description="a style, by name or path, whose generator is the start")
    phases: list[PhaseSection] = Field([], description="of the steps, with their own crops or VGG-16")
    style: StyleSection
    generator: GeneratorSection = GeneratorSection()
    discriminator: DiscriminatorSection | None = DiscriminatorSection()
    loss: LossSection = LossSection()
    optimizer: OptimizerSection = OptimizerSection()
    run: SampledRunSection = SampledRunSection()
    score: ScoreSection = ScoreSection()

    @model_validator(mode="after")
    def _check(self) -> Self:
        ends = [0.0, *(phase.until for phase in self.phases)]
        if self.phases and (ends[-1] != 1 or any(a >= b for a, b in pairwise(ends))):
            raise ValueError(f"phases: until must rise to 1, not go {', '.join(f'{e:g}' for e in ends[1:])}")
        sizes = [phase.image_size or self.image_size for phase in self.phases] or [self.image_size]
        if self.discriminator and self.discriminator.patch_size > min(sizes):
            raise ValueError(
                f"discriminator.patch_size {self.discriminator.patch_size} is larger than "
                f"image_size {min(sizes)}"
            )
        return self
