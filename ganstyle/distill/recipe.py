"""The recipe of a distillation: what the student looks like, what it sees and how it learns."""

from typing import Annotated, Self

import torch
from pydantic import Field, model_validator

from ganstyle.models import VGG16Student
from ganstyle.recipe import Count, Interval, NonNegative, Number, Positive, RunRecipe, Section

Fraction = Annotated[float, Number, Field(ge=0, le=1)]
Rank = Annotated[int, Number, Field(ge=0)]


class StudentSection(Section):
    """The student's constructor keywords; see `VGG16Student`."""

    widths: tuple[Count, ...] = (24, 64, 128, 128, 256, 256, 256)
    ranks: tuple[Rank, ...] = (0, 0, 40, 48, 80, 96, 96)

    @model_validator(mode="after")
    def _check(self) -> Self:
        with torch.device("meta"):
            VGG16Student(**self.model_dump())
        return self


class PaintingsSection(Section):
    """The paintings that the student sees besides photos."""

    path: str = Field("data/styles", description="a folder of paintings, or one image")


class OnPolicySection(Section):
    """Pictures that Gatys' optimization paints with the student itself; see ``OnPolicyPictures``."""

    pictures: Annotated[int, Number, Field(ge=0)] = Field(4, description="of them in a batch; 0 turns it off")
    pool: Count = Field(32, description="how many are being painted at a time")
    steps: Count = Field(60, description="steps after which a picture is finished")
    lr: Positive = Field(0.03, description="Adam's learning rate on the pixels")
    styles: tuple[str, ...] = Field((), description="trained styles whose pictures are among the beginnings")


class DistillationLossSection(Section):
    """Weights of the relative errors, each a mean over its layers."""

    features: NonNegative = Field(1.0, description="of the maps that the student gives")
    gram: NonNegative = Field(1.0, description="of their Gram matrices")
    hints: NonNegative = Field(0.3, description="of the maps on the way to them that are as wide as VGG-16's")


class DistillationOptimizerSection(Section):
    """Muon and AdamW, with a linear rise and then a fall along half a cosine wave to 0."""

    lr: Positive = Field(0.02, description="Muon's, for the kernels")
    lr_adam: Positive = Field(4.0e-3, description="AdamW's, for everything else")
    weight_decay: NonNegative = 1.0e-4
    warmup: Interval = 100
    clip: Positive = Field(1.0, description="largest norm of the gradient")
    freeze_norm: Fraction = Field(
        0.3, description="after this part of the steps batch norm keeps its statistics: as it will be used"
    )


class FidelitySection(Section):
    """Comparing the student with the teacher on photos and paintings while it learns."""

    every: Interval = 500
    content: str = Field("data/val", description="a folder of photos that are not trained on")
    count: Count = Field(20, description="how many of them")
    size: Count = Field(256, description="side of the squares cut from them, in pixels")


class DistillationRecipe(RunRecipe):
    """Everything that decides how a student comes out."""

    image_size: Annotated[int, Number, Field(ge=16)] = Field(128, description="side of the crops in pixels")
    style: PaintingsSection = PaintingsSection()
    student: StudentSection = StudentSection()
    on_policy: OnPolicySection = OnPolicySection()
    loss: DistillationLossSection = DistillationLossSection()
    optimizer: DistillationOptimizerSection = DistillationOptimizerSection()
    score: FidelitySection = FidelitySection()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.on_policy.pictures > self.on_policy.pool:
            raise ValueError(
                f"on_policy.pictures {self.on_policy.pictures} is more than on_policy.pool "
                f"{self.on_policy.pool}; enlarge the pool"
            )
        return self
