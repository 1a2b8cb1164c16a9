"""Trainings on shards and on streams resume to the bit, as those on a folder."""

import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import pytest
import torch

from ganstyle.recipe import Recipe
from ganstyle.training import train


@pytest.fixture
def contents(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    """The same photos in each kind."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets.disable_progress_bars()
    files = sorted(path for path in photos.rglob("*") if path.is_file()) * 3
    for shard in range(3):
        with tarfile.open(tmp_path / f"s-{shard}.tar", "w") as tar:
            for index in range(shard * 3, shard * 3 + 3):
                tar.add(files[index], f"{index}{files[index].suffix}")
    images = [{"bytes": file.read_bytes(), "path": None} for file in files]
    features = datasets.Features({"image": datasets.Image()})
    datasets.Dataset.from_dict({"image": images}, features=features).to_parquet(tmp_path / "x.parquet")
    return {
        "webdataset": {"kind": "webdataset", "path": str(tmp_path / "s-{0..2}.tar")},
        "huggingface": {"kind": "huggingface", "path": str(tmp_path / "x.parquet"), "window": 4},
    }


def state(recipe: Recipe, step: int) -> dict[str, Any]:
    path = recipe.folder / "checkpoints" / f"step-{step:06d}" / "state.pt"
    values: dict[str, Any] = torch.load(path, weights_only=True)
    return values


@pytest.mark.parametrize("kind", ["webdataset", "huggingface"])
def test_resume_bit_exact(
    contents: dict[str, dict[str, Any]], kind: str, tiny: Callable[..., dict[str, Any]]
) -> None:
    constant = {
        "schedule": "constant"
    }  # else a training of few steps is another than the begin of a longer one

    def run(name: str, *steps: int, workers: int = 0) -> dict[str, Any]:
        for count in steps:
            values = tiny(name=name, content=contents[kind], optimizer=constant, workers=workers)
            recipe = Recipe.parse(values | {"steps": count}, source="test")
            assert train(recipe).finished
        return state(recipe, steps[-1])

    whole = run("whole", 7)
    for name, workers, steps in (("parts", 0, (3, 5, 7)), ("workers", 2, (7,))):
        other = run(name, *steps, workers=workers)
        for key, weight in whole["generator"].items():
            assert torch.equal(other["generator"][key], weight), (name, key)
