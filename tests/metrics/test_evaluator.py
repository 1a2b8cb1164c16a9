from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from ganstyle.data import StyleImages
from ganstyle.errors import ImageError
from ganstyle.images import find_images, write_image
from ganstyle.losses import StyleTarget
from ganstyle.metrics import EvaluationModels, Evaluator, ScoreAccumulator, StyleReference, Yardstick
from ganstyle.metrics.distributions.extractors import Extractor, vgg16_extractor
from ganstyle.metrics.distributions.stored import load_features
from ganstyle.metrics.protocol import few_images
from ganstyle.metrics.similarity.lpips import artfid
from ganstyle.metrics.similarity.pixels import squared_error, structural_similarity
from ganstyle.weights import WeightsFile

VGG = WeightsFile("tiny", Path("tiny"), "0" * 64, "")
SIZE = 24


def features(x: Tensor) -> dict[str, Tensor]:
    return {layer: (n + 1) * x for n, layer in enumerate(("relu1_2", "relu2_2", "relu3_3"))}


def evaluator(photos: Path, painting: Path, **options: Any) -> Evaluator:
    style = options.pop("style", None)
    statistics = options.pop("statistics", None)
    return Evaluator(
        find_images(photos).images,
        EvaluationModels(VGG, features, **{"extractor": vgg16_extractor(VGG, features), **options}),
        style or StyleReference.of_paintings(features, StyleImages(painting), SIZE, key="this style"),
        size=SIZE,
        statistics=statistics,
    )


def darker(photo: Tensor) -> Tensor:
    return photo * 0.6 + 0.1


def scores_of(evaluator: Evaluator, processes: int = 1) -> dict[str, float]:
    accumulators = [ScoreAccumulator() for _ in range(processes)]
    for number in range(len(evaluator.photos)):
        photo = evaluator.photo(number)
        evaluator.add(accumulators[number % processes], number, darker(photo), photo)
    return evaluator.scores(accumulators)


def test_every_score_has_its_protocol(photos: Path, painting: Path) -> None:
    one = evaluator(photos, painting)
    scores = scores_of(one)
    assert list(scores) == [
        *("content", "style", "style_coarse", "mse", "ssim"),
        *("fid_vgg16_style", "kid_vgg16_style", "fid_vgg16_content", "kid_vgg16_content"),
    ]
    assert scores.keys() == one.protocol.keys()
    for name, protocol in one.protocol.items():
        assert protocol.keys() >= {"n", "size", "resize", "seed", "against"}
        if name not in ("mse", "ssim"):
            assert protocol["sha256"] == VGG.sha256
    assert one.protocol["style"]["against"] == f"painting.png at {SIZE} px"
    assert one.protocol["style_coarse"]["octaves"] == ["1/2"]
    assert one.protocol["style_coarse"]["measure"] == (
        "mean over 1/2 of the size, by 2x2 averages; left out: 1/4, 1/8 (under 8 px)"
    )
    assert one.protocol["fid_vgg16_style"]["n"] == 60
    assert one.protocol["fid_vgg16_style"]["size"] == SIZE // 2
    assert "under 2,048" in one.protocol["fid_vgg16_content"]["warning"]
    assert few_images(2048) == {}


def test_means_over_the_pictures(photos: Path, painting: Path) -> None:
    one = evaluator(photos, painting, extractor=None)
    scores = scores_of(one)
    yardstick = Yardstick.of_paintings(features, StyleImages(painting).images, size=SIZE)
    names = ("content", "style", "style_coarse", "mse", "ssim")
    expected: dict[str, list[float]] = {name: [] for name in names}
    for number in range(3):
        photo = one.photo(number)
        picture = darker(photo)
        coarse = yardstick.style_coarse(picture)
        assert coarse is not None
        values = (
            *yardstick.measure(picture, photo),
            coarse,
            squared_error(picture, photo),
            structural_similarity(picture, photo),
        )
        for name, value in zip(expected, values, strict=True):
            expected[name].append(value.item())
    assert scores == pytest.approx({name: np.mean(values) for name, values in expected.items()}, rel=1e-6)


def test_scores_do_not_depend_on_batching(photos: Path, painting: Path) -> None:
    one = evaluator(photos, painting)
    assert scores_of(one, processes=3) == pytest.approx(scores_of(one), rel=1e-4, abs=1e-9)


def test_unchanged_photos_have_zero_content_loss(photos: Path, painting: Path) -> None:
    one = evaluator(photos, painting)
    accumulator = ScoreAccumulator()
    for number in range(3):
        one.add(accumulator, number, one.photo(number), one.photo(number))
    scores = one.scores([accumulator])
    assert scores["content"] == scores["mse"] == 0
    assert scores["ssim"] == pytest.approx(1.0)
    assert 0 <= scores["fid_vgg16_content"] < 1e-6 * scores["fid_vgg16_style"]


def test_real_features_are_computed_once(photos: Path, painting: Path, tmp_path: Path) -> None:
    calls: list[int] = []

    def counted(x: Tensor) -> dict[str, Tensor]:
        calls.append(len(x))
        return features(x)

    def extractor() -> Extractor:
        calls.clear()
        return vgg16_extractor(VGG, counted)

    first = scores_of(evaluator(photos, painting, extractor=extractor(), statistics=tmp_path))
    assert sum(calls) == 3 + 60 + 3 * (1 + 20)
    again = scores_of(evaluator(photos, painting, extractor=extractor(), statistics=tmp_path))
    assert sum(calls) == 3 * (1 + 20)
    assert first == again
    assert load_features(tmp_path / "painting.npz")[1]["crop"] == SIZE // 2
    # They also stand in for a painting that is not at hand.
    target = StyleReference.of_paintings(features, StyleImages(painting), SIZE).target
    blind = StyleReference(target, "Gram matrices", None, "this style")
    assert scores_of(evaluator(photos, painting, style=blind, statistics=tmp_path)) == pytest.approx(first)
    assert "fid_vgg16_style" not in scores_of(evaluator(photos, painting, style=blind))


def test_style_coarse_needs_octaves_in_the_target(photos: Path, painting: Path) -> None:
    target = StyleTarget.from_images(features, StyleImages(painting).images)
    one = evaluator(photos, painting, style=StyleReference(target, "Gram matrices", None))
    assert "style_coarse" not in scores_of(one)
    assert "style_coarse" not in one.protocol
    assert "no Gram matrices of its octaves" in one.missing["style_coarse"]


@pytest.mark.parametrize("key", ["another style", ""])
def test_stored_painting_of_another_style_is_not_used(
    photos: Path, painting: Path, tmp_path: Path, key: str
) -> None:
    scores_of(evaluator(photos, painting, statistics=tmp_path))
    target = StyleReference.of_paintings(features, StyleImages(painting), SIZE).target
    other = evaluator(
        photos, painting, style=StyleReference(target, "Gram matrices", None, key), statistics=tmp_path
    )
    assert "fid_vgg16_style" not in scores_of(other)
    assert "fid_vgg16_style" not in other.protocol
    assert "fid_vgg16_content" in other.protocol


def test_picture_that_is_not_finite_scores_nan(photos: Path, painting: Path) -> None:
    one = evaluator(photos, painting)
    accumulator = ScoreAccumulator()
    for number in range(3):
        one.add(accumulator, number, one.photo(number) * float("nan"), one.photo(number))
    scores = one.scores([accumulator])
    assert scores.keys() == one.protocol.keys()
    assert all(np.isnan(value) for value in scores.values())


def test_one_photo_has_no_distribution(painting: Path, tmp_path: Path, photos: Path) -> None:
    (tmp_path / "one.png").write_bytes((photos / "a.png").read_bytes())
    one = evaluator(tmp_path, painting)
    scores = scores_of(one)
    assert "fid_vgg16_content" not in scores
    assert scores["fid_vgg16_style"] > 0  # of sixty crops
    assert one.protocol["fid_vgg16_content"]["warning"] == "needs at least 2 images"


def test_artfid_is_reported_when_inputs_are_available(photos: Path, painting: Path) -> None:
    class FakeLPIPS:
        def __call__(self, a: Tensor, b: Tensor) -> Tensor:
            return (a - b).abs().mean((1, 2, 3))

    real = vgg16_extractor(VGG, features)
    inception = Extractor("", "Inception", "1" * 64, 16, real.network, torch.device("cpu"))
    one = evaluator(photos, painting, extractor=inception, lpips=FakeLPIPS(), lpips_sha256="2" * 64)
    scores = scores_of(one)
    assert scores["artfid"] == artfid(scores["lpips"], scores["fid_style"])
    assert one.protocol["artfid"]["lpips"]["sha256"] == "2" * 64
    assert scores.keys() == one.protocol.keys()
    assert "artfid" not in scores_of(evaluator(photos, painting, lpips=FakeLPIPS(), lpips_sha256="2" * 64))


def test_extreme_aspect_ratio_is_refused_before_filling_memory(painting: Path, tmp_path: Path) -> None:
    write_image(torch.rand(3, 1, 40), tmp_path / "line.png")
    one = evaluator(tmp_path, painting, extractor=None)
    with pytest.raises(ImageError, match=r"line\.png: 40x1 pixels are too narrow"):
        one.photo(0)


def test_several_paintings_of_one_style(photos: Path) -> None:
    style = StyleReference.of_paintings(features, StyleImages(photos), SIZE)
    assert isinstance(style.target, StyleTarget)
    assert style.source == f"a.png, b.jpg, c.png at {SIZE} px"
    assert scores_of(evaluator(photos, photos, style=style))["fid_vgg16_style"] > 0
