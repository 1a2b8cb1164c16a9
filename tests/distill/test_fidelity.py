"""The photos that a student is scored on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator

from ganstyle.distill.fidelity import Fidelity
from ganstyle.distill.output import prepare_fidelity
from ganstyle.distill.recipe import DistillationRecipe
from ganstyle.errors import DataError, RecipeError
from ganstyle.images import write_image
from ganstyle.runs.launch import find_weights


@pytest.fixture
def prepare(tiny: Callable[..., dict[str, Any]]) -> Callable[[Path], Fidelity | None]:
    def run(folder: Path) -> Fidelity | None:
        values = tiny(score={"every": 1, "content": str(folder), "size": 16})
        recipe = DistillationRecipe.parse(values, source="test")
        accelerator = Accelerator(cpu=True)
        return prepare_fidelity(recipe, find_weights(accelerator, recipe.vgg), [], accelerator)

    return run


def test_unreadable_photos_are_reported(prepare: Callable[[Path], Fidelity], tmp_path: Path) -> None:
    write_image(torch.rand(3, 20, 20), tmp_path / "a.png")
    (tmp_path / "b.jxl").touch()
    with pytest.warns(UserWarning, match=r"left out 1 unreadable images or folders: b\.jxl"):
        fidelity = prepare(tmp_path)
    assert fidelity.protocol == {"photos": 1, "paintings": 0, "side": 16}


@pytest.mark.parametrize("name", ["a.jxl", "a.txt"])
def test_a_folder_without_a_readable_photo_is_one_line(
    prepare: Callable[[Path], Fidelity], tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match=r"holds no image files|none of the 1 pictures or folders") as caught:
        prepare(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")


def test_fidelity_crops_that_are_too_small() -> None:
    with pytest.raises(RecipeError, match=r"'score.size': scores need 4 pixels or more \(got 3\)"):
        Fidelity([], [], lambda image: {}, size=3, device=torch.device("cpu"))
