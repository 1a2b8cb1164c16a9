"""What the recipes of all runs have in common, and how one is read, checked and written."""

import json
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ganstyle.errors import RecipeError, one_line
from ganstyle.recipe.explain import explain
from ganstyle.recipe.fields import BatchSize, Count, Flag, Interval, Number, PathText, Text
from ganstyle.recipe.load import read_recipe, rename_keys
from ganstyle.recipe.strict_yaml import dump_yaml


class Section(BaseModel):
    """A part of a recipe. It cannot be changed once it is validated."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class ContentSection(Section):
    """Where the photos come from; see ``ganstyle.data.open_content``."""

    kind: Literal["folder", "webdataset", "huggingface", "lsun", "torchvision"] = Field(
        "folder", description="the kind of data set"
    )
    path: PathText = Field(
        "data/content",
        description="folder of photos, root of the data set, pattern of shards (photos-{000..099}.tar), or "
        "name on the Hugging Face Hub",
    )
    classes: list[Text] | None = Field(None, description="for lsun: such as [church_outdoor_train]")
    name: Text | None = Field(
        None,
        description="for torchvision: Imagenette, Flowers102 or Places365; for huggingface: a configuration",
    )
    split: Text | None = Field(
        None, description="for torchvision and huggingface: the data set's own name for a split"
    )
    size: Text | None = Field(None, description="for torchvision's Imagenette: full, 320px or 160px")
    small: Flag | None = Field(
        None, description="for torchvision's Places365: photos of 256 pixels, which is the default"
    )
    column: Text | None = Field(
        None, description="for huggingface: the column of images; by default the first one"
    )
    count: Count | None = Field(
        None,
        description="for huggingface: how many photos to use; needed if the data set does not say how many",
    )
    window: Count | None = Field(
        None, description="for huggingface: photos that are shuffled at a time, 1000 by default"
    )
    download: Flag | None = Field(None, description="for torchvision: download the data set if it is missing")

    def options(self) -> dict[str, Any]:
        """Return the keywords of ``open_content`` that are set."""
        return self.model_dump(exclude_none=True)


TrackerName = Literal[
    "tensorboard", "aim", "clearml", "comet_ml", "dvclive", "mlflow", "swanlab", "trackio", "wandb"
]
"""The trackers that Accelerate knows, by the names of their packages."""


class RunSection(Section):
    """What a run writes, and how often; the run's folder is dir/name."""

    dir: PathText = Field("runs", description="folder for runs; the run itself is dir/name")
    save_every: Interval = Field(500, description="steps between training states; 0: only at the end")
    log_every: Count = Field(10, description="steps between lines of the log")
    keep: Count = Field(2, description="how many training states to keep")
    trackers: list[TrackerName] = Field(
        ["tensorboard"], description="where curves go; all but tensorboard must be installed"
    )


class GuardSection(Section):
    """When a training has diverged, and its way back to the last good state with a lower learning rate."""

    patience: Count = Field(20, description="skipped steps of a network in a row that mean it has diverged")
    returns: Annotated[int, Field(ge=0), Number] = Field(
        3, description="how often the run goes back to its last good state before it gives up"
    )
    lr_factor: Annotated[float, Field(gt=0, le=1), Number] = Field(
        0.5, description="what each return multiplies the learning rates by"
    )


class RunRecipe(Section):
    """What every kind of run has."""

    renamed: ClassVar[Mapping[str, str]] = {}
    """Keys of older versions, such as section.old, and what they are called now."""

    format: Literal[1] = Field(1, description="version of the recipe's format")
    name: Annotated[
        Text,
        Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", description="name of the run and of what it makes"),
    ]
    seed: Annotated[int, Field(ge=0, lt=2**32), Number] = Field(0, description="of everything random")
    steps: Count = Field(4000, description="optimizer steps")
    batch_size: BatchSize = Field(4, description="photos per step and process")
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        "auto", description="auto: bf16 where the device has it natively, else fp32"
    )
    workers: Annotated[int, Field(ge=0, le=1024), Number] = Field(2, description="processes that load data")
    content: ContentSection = Field(ContentSection(), description="where the photos come from")
    run: RunSection = Field(RunSection(), description="what the run writes, and how often")
    guard: GuardSection = Field(GuardSection(), description="what happens when the training diverges")
    vgg: PathText = Field("auto", description="the VGG-16: auto, distilled, imagenet or a file")
    resume: PathText = Field("auto", description="auto, never, or the folder of a training state")

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return Path(self.run.dir) / self.name

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, as YAML and JSON have them."""
        return self.model_dump(mode="json")

    def to_yaml(self) -> str:
        """Return the whole recipe, every default written out."""
        return _as_yaml(json.dumps(self.to_dict()))

    @classmethod
    def load(cls, path: str | Path, overrides: Sequence[str] = ()) -> Self:
        """Read a recipe and apply ``key=value`` overrides to it; see `ganstyle.recipe.load.read_recipe`.

        Args:
            path: a YAML file, or the name of a shipped recipe.
            overrides: such as ``["steps=200", "loss.style=10", "discriminator=null"]``; the value is YAML.

        Raises:
            RecipeError: the file cannot be read, or it or an override does not fit.
        """
        values, old = rename_keys(read_recipe(path, overrides), cls.renamed)
        for key in old:
            warnings.warn(
                f"{path}: '{key}' is deprecated; write '{cls.renamed[key]}'", FutureWarning, stacklevel=2
            )
        return cls.parse(values, source=str(path))

    @classmethod
    def parse(cls, values: Mapping[str, Any], *, source: str) -> Self:
        """Validate plain values; ``source`` names them in an error.

        Raises:
            RecipeError: an unknown key, a wrong type or an impossible value; or a newer version's format.
        """
        form = values.get("format", 1)
        if isinstance(form, int) and form > 1:
            raise RecipeError(f"{source}: format {form} is of a newer ganstyle; upgrade to read it")
        try:
            return cls.model_validate(rename_keys(values, cls.renamed)[0])
        except ValidationError as error:
            first, *rest = error.errors()
            more = f" (and {len(rest)} more)" if rest else ""
            raise RecipeError(f"{source}: {one_line(explain(first, cls), 500)}{more}") from error


@lru_cache(maxsize=8)
def _as_yaml(values: str) -> str:
    """Turn JSON into YAML, which is slow; a run writes its recipe with every training state."""
    return dump_yaml(json.loads(values))


def name_from_file(path: Path) -> str:
    """Return a file's name without its suffix and without the characters that a run's name may not have."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", path.resolve().stem).strip("._-") or "my_style"
