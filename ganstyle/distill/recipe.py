"""The recipe of a distillation: what the student looks like, what it sees and how it learns."""

from typing import Annotated, Self

import torch
from pydantic import Field, model_validator

from ganstyle.models import VGG16Student
from ganstyle.recipe import Count, Interval, NonNegative, Number, PathText, Positive, RunRecipe, Section, Side
from ganstyle.recipe.fields import NetworkSide

Fraction = Annotated[float, Field(ge=0, le=1), Number]
Rank = Annotated[int, Field(ge=0), Number]


class StudentSection(Section):
    """The student's constructor keywords; see `VGG16Student`."""

    widths: tuple[Annotated[int, Field(ge=1, le=4096), Number], ...] = Field(
        (24, 64, 128, 128, 256, 256, 256), description="output channels of the seven convolutions"
    )
    ranks: tuple[Rank, ...] = Field(
        (0, 0, 40, 48, 80, 96, 96), description="channels between a 3x1 and a 1x3 kernel; 0: one 3x3 kernel"
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        with torch.device("meta"):
            VGG16Student(**self.model_dump())
        return self


class PaintingsSection(Section):
    """The paintings that the student sees besides photos."""

    path: PathText = Field("data/styles", description="one painting, or a folder of paintings")


class OnPolicySection(Section):
    """Pictures that Gatys' optimization paints with the student itself; see ``OnPolicyPictures``."""

    pictures: Annotated[int, Field(ge=0), Number] = Field(
        4, description="how many of them in a batch; 0: none"
    )
    pool: Count = Field(32, description="how many are optimized at a time")
    steps: Count = Field(60, description="steps until a picture is finished")
    lr: Positive = Field(0.03, description="Adam's learning rate on the pixels")
    styles: tuple[PathText, ...] = Field(
        (), description="trained styles whose pictures some of them start from"
    )


class DistillationLossSection(Section):
    """Weights of the relative errors, each a mean over its layers."""

    features: NonNegative = Field(1.0, description="weight of the feature maps that the student gives")
    gram: NonNegative = Field(1.0, description="weight of their Gram matrices")
    hints: NonNegative = Field(0.3, description="weight of the maps in between that are as wide as VGG-16's")


class DistillationOptimizerSection(Section):
    """Muon and AdamW, with linear warm-up and cosine decay to 0."""

    lr: Positive = Field(0.02, description="Muon's learning rate, for the kernels")
    lr_adam: Positive = Field(4.0e-3, description="AdamW's learning rate, for everything else")
    weight_decay: NonNegative = Field(1.0e-4, description="of both")
    warmup: Interval = Field(100, description="steps of linear warm-up; 0: none")
    clip: Positive = Field(1.0, description="largest gradient norm")
    freeze_norm: Fraction = Field(
        0.3, description="fraction of the steps after which batch norm freezes its statistics"
    )


class FidelitySection(Section):
    """Comparing the student with the teacher on photos and paintings while it learns."""

    every: Interval = Field(500, description="steps between comparisons; 0: none")
    content: PathText = Field("data/val", description="folder of validation photos, none of them in content")
    count: Count = Field(20, description="how many of them to compare on")
    size: Side = Field(256, description="side of their central squares in pixels")


class DistillationRecipe(RunRecipe):
    """Everything that decides how a student comes out."""

    image_size: NetworkSide = Field(128, description="side of the crops in pixels")
    style: PaintingsSection = Field(PaintingsSection(), description="the paintings")
    student: StudentSection = Field(StudentSection(), description="the network that learns")
    on_policy: OnPolicySection = Field(OnPolicySection(), description="pictures of the student's own making")
    loss: DistillationLossSection = Field(DistillationLossSection(), description="weights of the errors")
    optimizer: DistillationOptimizerSection = Field(
        DistillationOptimizerSection(), description="how the student is optimized"
    )
    score: FidelitySection = Field(FidelitySection(), description="comparison with the teacher")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.on_policy.pictures > self.on_policy.pool:
            raise ValueError(
                f"on_policy.pictures {self.on_policy.pictures} is more than on_policy.pool "
                f"{self.on_policy.pool}; enlarge the pool"
            )
        return self
