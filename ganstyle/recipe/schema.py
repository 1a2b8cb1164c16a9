"""The recipe: one validated YAML file that says everything about a training.

Every default of a training is written here, once. An unknown key, a wrong type or an impossible value is an
error that names the key; nothing is silently ignored.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from ganstyle.losses import GAN_LOSSES
from ganstyle.recipe.fields import (
    Count,
    CropScales,
    Decay,
    Flag,
    Interval,
    LayerWeights,
    NonNegative,
    Number,
    Octaves,
    PathText,
    Positive,
    Side,
    Text,
)
from ganstyle.recipe.networks import DiscriminatorSection, GeneratorSection
from ganstyle.recipe.run import RunRecipe, RunSection, Section

Fraction = Annotated[float, Field(ge=0, le=1), Number]


class StyleSection(Section):
    """The painting, or a folder of paintings by one hand, and how large they are looked at."""

    path: PathText = Field(description="one painting, or a folder of paintings")
    size: Side = Field(384, description="shorter side of the painting in pixels; sets the stroke size")
    title: Text = Field("", description="title of the painting, for the style's card")
    author: Text = Field("", description="its author")
    year: Text = Field("", description="its year")
    license: Text = Field("", description="its license")


class BalanceSection(Section):
    """Keeps the discriminator's accuracy in a band, by its learning rate."""

    accuracy: tuple[Fraction, Fraction] = Field(
        (0.6, 0.85), description="lowest and highest share of patches that the discriminator should get right"
    )
    slowest: Annotated[float, Field(gt=0, le=1), Number] = Field(
        0.001, description="lowest factor of the discriminator's learning rate"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.accuracy[0] > self.accuracy[1]:
            raise ValueError(f"accuracy must rise, not go {self.accuracy[0]:g}, {self.accuracy[1]:g}")
        return self


class LossSection(Section):
    """The generator's loss: a weighted sum of content, style, total-variation and adversarial loss."""

    content: NonNegative = Field(1.0, description="weight of the relative content loss")
    style: NonNegative = Field(5.0, description="weight of the relative style loss")
    tv: NonNegative = Field(0.0, description="weight of the total-variation loss")
    adversarial: NonNegative = Field(0.5, description="weight of the adversarial loss")
    gan: str = Field("hinge", description="GAN loss", json_schema_extra={"enum": [*GAN_LOSSES]})
    r1: NonNegative = Field(0.0, description="weight of the R1 gradient penalty on real patches")
    r1_every: Count = Field(16, description="lazy R1: steps between two penalties, each scaled up to match")
    content_layers: LayerWeights = Field({"relu3_3": 1.0}, description="VGG-16 layers and their weights")
    style_layers: LayerWeights = Field(
        {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}, description="VGG-16 layers and their weights"
    )

    content_octaves: Octaves = Field(
        3, description="number of octaves (the image and its halves) on which content is compared, or weights"
    )
    style_octaves: Octaves = Field(
        4, description="number of octaves on which style is compared, or weights; large forms need the halves"
    )

    @field_validator("gan")
    @classmethod
    def _check_gan(cls, name: str) -> str:
        if name not in GAN_LOSSES:
            raise ValueError(f"'{name}' is not one of {', '.join(GAN_LOSSES)}")
        return name

    @property
    def content_octave_weights(self) -> list[float]:
        """A weight for each octave of content, the full size first."""
        return _octave_weights(self.content_octaves)

    @property
    def style_octave_weights(self) -> list[float]:
        """A weight for each octave of style, the full size first."""
        return _octave_weights(self.style_octaves)

    @property
    def layers(self) -> list[str]:
        """Every layer that the feature network must give."""
        return sorted({*self.content_layers, *self.style_layers})

    def weighted(self, scores: Mapping[str, float]) -> float:
        """Return the scores' content and style distance, weighted as in the loss."""
        return self.content * scores["content"] + self.style * scores["style"]


class PictureLossSection(LossSection):
    """The generator's loss: a weighted sum of content, style, total-variation, adversarial and temporal."""

    sliced_wasserstein: NonNegative = Field(
        0.0,
        description="weight of the relative sliced Wasserstein distance of style_layers and style_octaves, "
        "beside or, with style: 0, in place of Gram matrices",
    )

    rings: NonNegative = Field(
        0.0,
        description="weight of small rings, as a multiple of the painting's; such as 0.3",
    )

    stray_color: NonNegative = Field(
        0.0,
        description="weight of patches of color where the photo has none; such as 8",
    )

    temporal: NonNegative = Field(
        0.0,
        description="weight of the temporal loss, for videos: a moved photo, a moved painting; such as 20",
    )

    hold_content: Flag = Field(
        False,
        description="raise the weight of content while pictures lose more of their photos than the style of "
        "init did, lower it while they lose less; without init, nothing",
    )

    def weighted(self, scores: Mapping[str, float]) -> float:
        """Return the scores' content and style distance; that of Gram matrices stands for both of style."""
        return super().weighted(scores) + self.sliced_wasserstein * scores["style"]


def _octave_weights(octaves: int | list[float]) -> list[float]:
    return [1.0] * octaves if isinstance(octaves, int) else octaves


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


class SampledRunSection(RunSection):
    """A run that also shows pictures as it goes."""

    sample_every: Interval = Field(250, description="steps between sample grids; 0: none")
    samples: Count = Field(4, description="how many photos a sample grid shows")


class ScoreSection(Section):
    """Scoring of the EMA generator on validation photos while it trains."""

    every: Interval = Field(0, description="steps between scores; 0: none")
    content: PathText = Field("data/val", description="folder of validation photos, none of them in content")
    count: Count = Field(20, description="how many of them to score")
    size: Side = Field(384, description="their shorter side in pixels")
    fid: Flag = Field(False, description="also FID and KID of VGG-16 features")
    select: Literal[
        "weighted",
        "content",
        "style",
        "style_coarse",
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


class CropPhaseSection(Section):
    """A part of the steps, and what it changes."""

    until: Annotated[float, Field(gt=0, le=1), Number] = Field(
        description="where the phase ends, as a fraction of all steps; the last one ends at 1"
    )
    image_size: Side | None = Field(None, description="overrides the recipe's image_size")
    vgg: PathText | None = Field(None, description="overrides the recipe's vgg")


class PhaseSection(CropPhaseSection):
    """A part of the steps, and what it changes."""

    strengths: Flag = Field(True, description="whether to train on all strengths or only on 1")


def check_phases(phases: Sequence[CropPhaseSection]) -> None:
    """Raise ValueError unless the phases follow each other up to the last step."""
    ends = [0.0, *(phase.until for phase in phases)]
    if phases and (ends[-1] != 1 or any(a >= b for a, b in pairwise(ends))):
        raise ValueError(f"phases: until must rise to 1, not go {', '.join(f'{e:g}' for e in ends[1:])}")


class Recipe(RunRecipe):
    """Everything that decides how a style comes out."""

    renamed = {"style.licence": "style.license"}  # noqa: RUF012

    accumulate: Count = Field(1, description="batches per step (gradient accumulation)")
    image_size: Side = Field(256, description="side in pixels of the photo crops that the losses see")
    crop_scales: CropScales = Field(
        (1.0, 1.5),
        description="lowest and highest size of a photo, in crops: 1 shows all of its shorter side",
    )
    ema: Decay = Field(0.999, description="decay of the exponential moving average of the generator")
    init: PathText | None = Field(None, description="a style, by name or path, to start from")
    phases: list[PhaseSection] = Field([], description="parts of the run with their own crop size or VGG-16")
    style: StyleSection = Field(description="the painting")
    generator: GeneratorSection = Field(GeneratorSection(), description="the network that paints")
    discriminator: DiscriminatorSection | None = Field(
        DiscriminatorSection(), description="the network that tells patches apart; null: no GAN"
    )
    balance: BalanceSection | None = Field(
        None, description="how the discriminator is kept in balance with the generator; null: not at all"
    )
    loss: PictureLossSection = Field(PictureLossSection(), description="the generator's loss")
    optimizer: OptimizerSection = Field(OptimizerSection(), description="how both networks are optimized")
    run: SampledRunSection = Field(SampledRunSection(), description="what the run writes, and how often")
    score: ScoreSection = Field(ScoreSection(), description="scoring on validation photos")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_phases(self.phases)
        sizes = [phase.image_size or self.image_size for phase in self.phases] or [self.image_size]
        if self.discriminator and self.discriminator.patch_size > min(sizes):
            raise ValueError(
                f"discriminator.patch_size {self.discriminator.patch_size} is larger than "
                f"image_size {min(sizes)}"
            )
        return self
