import gc
import json
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from ganstyle.evaluate import EvaluationModels, choose_photos, score_style, style_evaluator
from ganstyle.evaluate.score import PhotoScored
from ganstyle.images import write_image
from ganstyle.metrics import ScoreAccumulator, Yardstick
from ganstyle.style import load_style
from tests.reflected import paint_reflected

SIZE = 24
MakeStyle = Callable[..., Path]


def test_score_style_on_photos(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, painting: Path
) -> None:
    style = load_style(make_style())
    evaluator, reference = style_evaluator(models, choose_photos(photos).photos, style, size=SIZE)
    events: list[PhotoScored] = []
    score = score_style(style, evaluator, events.append)
    assert [(event.index, event.total) for event in events] == [(1, 3), (2, 3), (3, 3)]
    assert score.seconds_per_image == sorted(event.seconds for event in events)[1]
    assert score.scores.keys() == score.protocol.keys()
    yardstick = Yardstick(models.features, reference.target)
    given = [evaluator.photo(n) for n in range(3)]
    measured = [yardstick.measure(paint_reflected(style.generator, photo), photo) for photo in given]
    for place, name in enumerate(("content", "style")):
        expected = sum(m[place].item() for m in measured) / 3
        assert score.scores[name] == pytest.approx(expected, rel=1e-5)
    record = json.loads(json.dumps(score.record(), allow_nan=False))
    assert record["content"] == score.scores["content"]
    assert record["vgg"]["sha256"] == models.vgg.sha256
    assert record["protocol"]["style"]["sha256"] == models.vgg.sha256
    assert record["protocol"]["fid_vgg16_style"]["n"] == 6
    assert record["training"] == {"steps": 7, "seconds": 120.0}
    assert not any(name in record for name in ("fid_style", "fid_content", "kid_style"))


def test_scores_are_deterministic(make_style: MakeStyle, models: EvaluationModels, photos: Path) -> None:
    style = load_style(make_style())
    judges = [style_evaluator(models, choose_photos(photos).photos, style, size=SIZE)[0] for _ in range(2)]
    assert score_style(style, judges[0]).scores == score_style(style, judges[1]).scores


@pytest.mark.parametrize("count", [1, 2])
def test_score_one_or_two_photos(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, count: int
) -> None:
    style = load_style(make_style())
    evaluator, _ = style_evaluator(models, choose_photos(photos, count).photos, style, size=SIZE)
    record = score_style(style, evaluator).record()
    assert (record["fid_vgg16_content"] is None) == (count == 1)
    assert record["fid_vgg16_style"] > 0
    assert record["content"] > 0


def test_score_photos_of_many_sizes(make_style: MakeStyle, models: EvaluationModels, tmp_path: Path) -> None:
    for number, (height, width) in enumerate(((1, 1), (3, 90), (200, 16), (24, 24))):
        write_image(torch.rand(3, height, width), tmp_path / "photos" / f"{number}.png")
    style = load_style(make_style())
    evaluator, _ = style_evaluator(models, choose_photos(tmp_path / "photos").photos, style, size=SIZE)
    assert all(value is not None for value in score_style(style, evaluator).record().values())


def test_scored_images_are_not_kept_in_memory(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style = load_style(make_style())
    evaluator, _ = style_evaluator(models, choose_photos(photos).photos, style, size=SIZE)
    seen: list[weakref.ref[Tensor]] = []
    alive: list[int] = []
    add = evaluator.add

    def watching(accumulator: ScoreAccumulator, number: int, picture: Tensor, photo: Tensor) -> None:
        gc.collect()
        seen.extend((weakref.ref(picture), weakref.ref(photo)))
        alive.append(sum(ref() is not None for ref in seen))
        add(accumulator, number, picture, photo)
        held: list[Any] = [*accumulator.whole["_vgg16"], *accumulator.parts["_vgg16"]]
        assert sum(features.nbytes for features in held) == accumulator.count * 3 * 256 * 4
        assert all(features.base is None or features.base.nbytes <= 3 * 256 * 4 for features in held)

    monkeypatch.setattr(evaluator, "add", watching)
    score_style(style, evaluator)
    assert max(alive) <= 4  # this photo and its picture, and at the most those before
