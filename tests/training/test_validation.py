from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ganstyle.data import StyleImages
from ganstyle.errors import DataError, RecipeError, RunError
from ganstyle.images import read_image, resize_shorter
from ganstyle.losses import content_loss
from ganstyle.metrics import YARDSTICK_LAYERS
from ganstyle.recipe import Recipe, ScoreSection
from ganstyle.runs.launch import find_weights, start_accelerator
from ganstyle.training.validation import Scores, find_photos, prepare_scores
from ganstyle.weights import load_vgg16
from tests.reflected import paint_reflected

RecipeMaker = Callable[..., dict[str, Any]]
Preparer = Callable[..., Scores | None]


@pytest.fixture
def accelerator() -> Accelerator:
    return start_accelerator("fp32", accumulate=1)


@pytest.fixture
def prepare(tiny: RecipeMaker, photos: Path, painting: Path, accelerator: Accelerator) -> Preparer:
    """Return a function that prepares to score; keywords replace parts of the recipe's ``score``."""

    def prepare(**changes: Any) -> Scores | None:
        score = {"every": 1, "content": str(photos), "size": 16} | changes
        recipe = Recipe.parse(tiny(score=score), source="test")
        weights = find_weights(accelerator, recipe.vgg)
        return prepare_scores(recipe, accelerator, weights, StyleImages(painting))

    return prepare


class Darker(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 0.5 * x


def test_scores_are_means_over_the_photos(
    prepare: Preparer, photos: Path, accelerator: Accelerator, vgg16_weights: Path
) -> None:
    scores = prepare()
    assert scores is not None
    measured = scores.measure(Darker())
    features = load_vgg16(find_weights(accelerator, str(vgg16_weights)), YARDSTICK_LAYERS)
    expected = []
    for path in sorted(photos.rglob("*.*")):
        photo = resize_shorter(read_image(path), 16)
        expected.append(float(content_loss(features(0.5 * photo), features(photo), {"relu3_3": 1.0})))
    assert measured["content"] == pytest.approx(sum(expected) / 3, rel=1e-4)
    assert measured["ssim"] < 1
    assert scores.protocol["photos"] == 3
    assert scores.protocol["shorter_side"] == 16


def test_unchanged_photos_score_zero_content(prepare: Preparer) -> None:
    scores = prepare()
    assert scores is not None
    measured = scores.measure(nn.Identity())
    assert (measured["content"], measured["mse"]) == (0, 0)
    assert measured["ssim"] == pytest.approx(1)
    assert measured["style"] > 0


def test_validation_does_not_change_training(prepare: Preparer) -> None:
    """Neither a random state nor a gradient nor the network's mode."""
    scores = prepare()
    assert scores is not None
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.Dropout(0.0)).eval()
    before = torch.random.get_rng_state()
    assert scores.measure(network) == scores.measure(network)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not network.training


def test_validation_photo_limit(prepare: Preparer) -> None:
    scores = prepare(count=2)
    assert scores is not None
    assert scores.protocol["photos"] == 2


@pytest.fixture
def with_broken(tmp_path: Path, photos: Path) -> Path:
    """Two photos that break off in the middle, and two good ones, in turn."""
    content = (photos / "a.png").read_bytes()
    for number in range(4):
        (tmp_path / f"{number}.png").write_bytes(content[: len(content) // (2 - number % 2)])
    return tmp_path


def test_photo_that_breaks_off_is_left_out_at_the_start(prepare: Preparer, with_broken: Path) -> None:
    with pytest.warns(UserWarning, match=r"left out 2 unreadable images or folders: 0\.png \(.*, 2\.png"):
        scores = prepare(count=2, content=str(with_broken))
    assert scores is not None
    assert [path.name for path in scores.photos] == ["1.png", "3.png"]
    assert scores.measure(Darker())["content"] > 0


def test_none_but_photos_that_break_off(prepare: Preparer, with_broken: Path) -> None:
    for name in ("1.png", "3.png"):
        (with_broken / name).unlink()
    with pytest.raises(
        DataError, match=r"none of the 2 pictures or folders in it can be read; the first: .*0\.png"
    ):
        prepare(content=str(with_broken))


def test_validation_off_by_default(prepare: Preparer) -> None:
    assert prepare(every=0, content="nowhere") is None


@pytest.mark.parametrize("size", [1, 4, 5])
def test_photos_too_small_to_measure_are_one_line(prepare: Preparer, size: int) -> None:
    with pytest.raises(RecipeError, match=f"'score.size': scores need 6 pixels or more \\(got {size}\\)"):
        prepare(size=size)


@pytest.mark.parametrize("fid", [False, True])
@pytest.mark.usefixtures("small_fid")
def test_the_smallest_size_can_be_measured(prepare: Preparer, fid: bool) -> None:
    scores = prepare(size=6, fid=fid)
    assert scores is not None
    assert all(torch.tensor(value).isfinite() for value in scores.measure(Darker()).values())


def test_missing_validation_folder_is_an_error(prepare: Preparer) -> None:
    with pytest.raises(DataError, match=r"score\.content nowhere: no such folder"):
        prepare(content="nowhere")


def test_empty_validation_folder_is_an_error(prepare: Preparer, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no image files"):
        prepare(content=str(tmp_path))


def test_fewer_photos_than_processes(photos: Path) -> None:
    section = ScoreSection(every=1, content=str(photos), size=16)
    assert len(find_photos(section, processes=3).images) == 3
    with pytest.raises(RunError, match="holds 3 photos to score, fewer than processes"):
        find_photos(section, processes=4)


def test_scores_see_what_users_see(
    prepare: Preparer, photos: Path, accelerator: Accelerator, vgg16_weights: Path
) -> None:
    """Photos are reflected outward before they are painted, as in `stylize` and `evaluate`."""
    scores = prepare()
    assert scores is not None
    generator = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.Sigmoid())
    measured = scores.measure(generator)
    features = load_vgg16(find_weights(accelerator, str(vgg16_weights)), YARDSTICK_LAYERS)
    images = [resize_shorter(read_image(path), 16) for path in sorted(photos.rglob("*.*"))]

    def content(pictures: list[Tensor]) -> float:
        pairs = zip(pictures, images, strict=True)
        distances = [content_loss(features(a), features(b), {"relu3_3": 1.0}) for a, b in pairs]
        return float(sum(distances)) / len(images)

    assert measured["content"] == pytest.approx(
        content([paint_reflected(generator, x) for x in images]), rel=1e-4
    )
    with torch.no_grad():
        assert measured["content"] != pytest.approx(content([generator(x) for x in images]), rel=1e-3)
