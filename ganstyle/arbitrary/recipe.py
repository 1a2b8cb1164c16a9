"""The recipe of a training for any painting: what it sees, how it learns and what it is scored on."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.recipe import (
    Count,
    Interval,
    LossSection,
    NonNegative,
    Number,
    PathText,
    Positive,
    RunRecipe,
    Section,
    Side,
)
from ganstyle.recipe.fields import CropScales, Decay, NetworkSide, Octaves, Scales, Text
from ganstyle.recipe.networks import NetworkSection
from ganstyle.recipe.schema import CropPhaseSection, OptimizerSection, SampledRunSection, check_phases

Fraction = Annotated[float, Field(ge=0, le=1), Number]


class PaintingsSection(Section):
    """The paintings, how they are augmented, and which of them are kept for scoring."""

    path: PathText = Field("data/paintings", description="folder of paintings, by many hands")
    held_out: list[Text] = Field(
        [],
        description="paintings to score on, never trained on: names or patterns such as hokusai_*, a file, "
        "or a folder of them",
    )
    size: Side = Field(384, description="shorter side in pixels that a painting is looked at in use")
    scales: Scales = Field(
        (0.4, 1.0), description="lowest and highest part of that side that crops are cut at in training"
    )
    colors: Fraction = Field(0.5, description="how many of the crops get other colors")


class ModulatedSection(NetworkSection):
    """The generator's constructor keywords; see `ModulatedGenerator`."""

    networks = {"modulated": ModulatedGenerator}  # noqa: RUF012

    name: str = Field("modulated", description="which network", json_schema_extra={"enum": ["modulated"]})


class PairLossSection(LossSection):
    """The loss of a pair of photo and painting: content, style and total variation."""

    style: NonNegative = Field(15.0, description="weight of the relative style loss")
    tv: NonNegative = Field(0.1, description="weight of the total-variation loss")
    adversarial: NonNegative = Field(0.3, description="weight of the adversarial loss")
    style_octaves: Octaves = Field(
        4, description="number of octaves on which style is compared, or weights; large forms need the halves"
    )
    outlier: Positive = Field(
        2.0, description="a pair's distance above which it counts by its logarithm only"
    )
    identity: Fraction = Field(
        0.06, description="part of the pairs in which the photo is its own painting, which must stay as it is"
    )


class ConditionalSection(Section):
    """The discriminator's constructor keywords; see `ConditionalDiscriminator`."""

    width: Annotated[int, Field(ge=1, le=1024), Number] = Field(
        32, description="channels after its first layer; doubled by each further one"
    )
    layers: Annotated[int, Field(ge=1, le=6), Number] = Field(
        2, description="number of convolutions of stride 2"
    )


class PairScoreSection(Section):
    """Scoring of the EMA generator on all pairs of validation photos and held-out paintings."""

    every: Interval = Field(0, description="steps between scores; 0: none")
    content: PathText = Field("data/val", description="folder of validation photos, none of them in content")
    count: Count = Field(4, description="how many of them to score")
    size: NetworkSide = Field(384, description="their shorter side in pixels")
    select: Literal["weighted", "content", "style", "style_coarse"] = Field(
        "weighted", description="the score that picks best.safetensors"
    )


class AnyRecipe(RunRecipe):
    """Everything that decides how a generator for any painting comes out."""

    image_size: NetworkSide = Field(192, description="side in pixels of what the losses see")
    crop_scales: CropScales = Field(
        (1.0, 1.5),
        description="lowest and highest size of a photo, in crops: 1 shows all of its shorter side",
    )
    ema: Decay = Field(0.999, description="decay of the exponential moving average of the generator")
    phases: list[CropPhaseSection] = Field(
        [], description="parts of the run with a crop size or VGG-16 of their own"
    )
    style: PaintingsSection = Field(PaintingsSection(), description="the paintings")
    generator: ModulatedSection = Field(ModulatedSection(), description="the network that paints")
    init: PathText | None = Field(
        None, description="a generator for any painting to start from: a file, or any, the shipped one"
    )
    discriminator: ConditionalSection | None = Field(
        None, description="the network that tells pictures from paintings by their code; null: no GAN"
    )
    loss: PairLossSection = Field(PairLossSection(), description="the generator's loss")
    optimizer: OptimizerSection = Field(OptimizerSection(), description="how the networks are optimized")
    run: SampledRunSection = Field(SampledRunSection(), description="what the run writes, and how often")
    score: PairScoreSection = Field(PairScoreSection(), description="scoring on held-out paintings")

    @model_validator(mode="after")
    def _check(self) -> Self:
        check_phases(self.phases)
        if self.score.every and not self.style.held_out:
            raise ValueError("score.every needs style.held_out: paintings to score on")
        sizes = [phase.image_size or self.image_size for phase in self.phases] or [self.image_size]
        if self.discriminator and min(sizes) < 3 * 2**self.discriminator.layers:
            raise ValueError(
                f"image_size {min(sizes)} is too small for discriminator.layers {self.discriminator.layers}"
            )
        return self
