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


Number = BeforeValidator(_no_bool)  # after the bounds: before them, the JSON schema would lack these
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), Number]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), Number]
Decay = Annotated[float, Field(ge=0, lt=1), Number]
Count = Annotated[int, Field(ge=1), Number]
Interval = Annotated[int, Field(ge=0), Number]
LayerWeights = Annotated[dict[str, Positive], BeforeValidator(_equal_weights), Field(min_length=1)]


class Section(BaseModel):
    """A part of a recipe. It cannot be changed once it is validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class ContentSection(Section):
    """Where the photos come from; see ``ganstyle.data.open_content``."""

    kind: Literal["folder", "lsun", "torchvision"] = Field("folder", description="the kind of data set")
    path: str = Field("data/content", description="folder of photos, or root of the data set")
    classes: list[str] | None = Field(None, description="for lsun: such as [church_outdoor_train]")
    name: str | None = Field(None, description="for torchvision: Imagenette, Flowers102 or Places365")
    split: str | None = Field(None, description="for torchvision: the data set's own name for a split")
    download: bool | None = Field(None, description="for torchvision: download the data set if it is missing")

    def options(self) -> dict[str, Any]:
        """Return the keywords of ``open_content`` that are set."""
        return self.model_dump(exclude_none=True)


class StyleSection(Section):
    """The painting, or a folder of paintings by one hand, and how large they are looked at."""

    path: str = Field(description="one painting, or a folder of paintings")
    size: Count = Field(384, description="shorter side of the painting in pixels; sets the stroke size")
    title: str = Field("", description="title of the painting, for the style's card")
    author: str = Field("", description="its author")
    year: str = Field("", description="its year")
    license: str = Field("", description="its license")

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

    name: str = Field("resnet", description="lean, resnet or unet")

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

    name: str = Field("patchgan", description="patchgan")
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
    """The generator's loss: a weighted sum of content, style, total-variation and adversarial loss."""

    content: NonNegative = Field(1.0, description="weight of the relative content loss")
    style: NonNegative = Field(5.0, description="weight of the relative style loss")
    tv: NonNegative = Field(0.0, description="weight of the total-variation loss")
    adversarial: NonNegative = Field(0.5, description="weight of the adversarial loss")
    gan: str = Field("hinge", description="GAN loss: lsgan, hinge or nonsaturating")
    r1: NonNegative = Field(0.0, description="weight of the R1 gradient penalty on real patches")
    r1_every: Count = Field(16, description="lazy R1: steps between two penalties, each scaled up to match")
    content_layers: LayerWeights = Field({"relu3_3": 1.0}, description="VGG-16 layers and their weights")
    style_layers: LayerWeights = Field(
        {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}, description="VGG-16 layers and their weights"
    )

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

    lr: Positive = Field(1.0e-3, description="Adam's learning rate for the generator")
    lr_muon: NonNegative = Field(
        0.0, description="Muon's learning rate for the generator's hidden kernels, such as 0.02; 0: Adam"
    )
    lr_discriminator: Positive = Field(2.0e-4, description="Adam's learning rate for the discriminator")
    betas: tuple[Decay, Decay] = Field((0.5, 0.999), description="Adam's betas")
    schedule: Literal["cosine", "constant"] = Field("cosine", description="of all learning rates")
    warmup: Interval = Field(0, description="steps of linear warm-up; 0: none")
    clip: Positive = Field(5.0, description="largest gradient norm of a network")


class RunSection(Section):
    """What a run writes, and how often; the run's folder is dir/name."""

    dir: str = Field("runs", description="folder for runs; the run itself is dir/name")
    save_every: Interval = Field(500, description="steps between training states; 0: only at the end")
    log_every: Count = Field(10, description="steps between lines of the log")
    keep: Count = Field(2, description="how many training states to keep")


class SampledRunSection(RunSection):
    """A run that also shows pictures as it goes."""

    sample_every: Interval = Field(250, description="steps between sample grids; 0: none")
    samples: Count = Field(4, description="how many photos a sample grid shows")


class ScoreSection(Section):
    """Scoring of the EMA generator on validation photos while it trains."""

    every: Interval = Field(0, description="steps between scores; 0: none")
    content: str = Field("data/val", description="folder of validation photos, none of them in content")
    count: Count = Field(20, description="how many of them to score")
    size: Count = Field(384, description="their shorter side in pixels")
    fid: bool = Field(False, description="also FID and KID of VGG-16 features")
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
    ] = Field("weighted", description="the score that picks best.safetensors")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "vgg16" in self.select and not self.fid:
            raise ValueError(f"select {self.select} needs fid: true")
        return self


class RunRecipe(Section):
    """What every run has, whatever it trains."""

    name: Annotated[
        str,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the run and of what it makes"),
    ]
    seed: Annotated[int, Field(ge=0, lt=2**32), Number] = Field(0, description="of everything random")
    steps: Count = Field(4000, description="optimizer steps")
    batch_size: Count = Field(4, description="photos per step and process")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 where the device has it natively, else fp32"
    )
    workers: Annotated[int, Field(ge=0), Number] = Field(2, description="processes that load data")
    content: ContentSection = ContentSection()
    run: RunSection = RunSection()
    vgg: str = Field("auto", description="the VGG-16: auto, distilled, imagenet or a file")
    resume: str = Field("auto", description="auto, never, or the folder of a training state")

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
    """A part of the steps, and what it changes."""

    until: Annotated[float, Field(gt=0, le=1), Number] = Field(
        description="where the phase ends, as a fraction of all steps; the last one ends at 1"
    )
    image_size: Count | None = Field(None, description="overrides the recipe's image_size")
    vgg: str | None = Field(None, description="overrides the recipe's vgg")
    strengths: bool = Field(True, description="whether to train on all strengths or only on 1")


class Recipe(RunRecipe):
    """Everything that decides how a style comes out."""

    accumulate: Count = Field(1, description="batches per step (gradient accumulation)")
    image_size: Count = Field(256, description="side of the photo crops in pixels")
    ema: Decay = Field(0.999, description="decay of the exponential moving average of the generator")
    init: str | None = Field(None, description="a style, by name or path, to start from")
    phases: list[PhaseSection] = Field(
        [], description="parts of the run with a crop size or VGG-16 of their own"
    )
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
