from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from ganstyle.errors import GanstyleError
from ganstyle.evaluate import (
    EvaluationModels,
    StyleComparison,
    choose_photos,
    compare_with_gatys,
    score_style,
    style_evaluator,
)
from ganstyle.evaluate.compare import CompareEvent, MethodProgress, PictureFinished
from ganstyle.images import from_pil
from ganstyle.style import load_style
from tests.reflected import paint_reflected

MakeStyle = Callable[..., Path]


def run(
    models: EvaluationModels,
    photos: Path,
    style: Path,
    plain: Path | None = None,
    events: list[CompareEvent] | None = None,
) -> StyleComparison:
    loaded = load_style(style)
    evaluator, reference = style_evaluator(models, choose_photos(photos, 2).photos, loaded, size=24)
    return compare_with_gatys(
        loaded,
        evaluator,
        reference,
        models.features,
        without_gan=load_style(plain) if plain else None,
        settings={"device": "cpu"},
        on_event=(events if events is not None else []).append,
    )


def pixels(png: bytes) -> torch.Tensor:
    return from_pil(Image.open(BytesIO(png)))


@pytest.mark.usefixtures("short_gatys")
def test_compare_methods_on_the_same_photos(
    models: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    style = make_style()
    plain = make_style("plain", discriminator=None, steps=9, loss={"adversarial": 0.0})
    events: list[CompareEvent] = []
    found = run(models, photos, style, plain, events)
    assert [result.method.key for result in found.results] == [
        *("generator", "without-gan", "gatys", "gatys-in-time")
    ]
    assert found.names == ["a.png", "b.jpg"]
    assert found.differences == ["steps: 4000 -> 9"]
    for result in found.results:
        assert result.scores.keys() == found.protocol.keys()
        assert [pixels(png).shape for png in result.pictures] == [pixels(png).shape for png in found.photos]
        assert len(result.notes) == 2
    # The generator's scores are those that evaluate gives, and its pictures those that it paints.
    loaded = load_style(style)
    evaluator, _ = style_evaluator(models, choose_photos(photos, 2).photos, loaded, size=24)
    assert found.results[0].scores == score_style(loaded, evaluator).scores
    painted = paint_reflected(loaded.generator, evaluator.photo(1))
    assert (pixels(found.results[0].pictures[1]) - painted).abs().max() < 0.51 / 255
    assert found.untouched["content"] == 0
    assert found.untouched["style"] > found.results[2].scores["style"]
    assert len(found.paintings) == 1
    # Photo by photo, one method after the other.
    finished = [event for event in events if isinstance(event, PictureFinished)]
    assert [(event.index, event.total) for event in finished] == [(n, 8) for n in range(1, 9)]
    assert [event.photo for event in finished] == ["a.png"] * 4 + ["b.jpg"] * 4
    assert [e.step for e in events if isinstance(e, MethodProgress) and e.index == 3] == [0, 1, 2, 3]


@pytest.mark.usefixtures("short_gatys")
def test_compare_without_the_painting(models: EvaluationModels, photos: Path, make_style: MakeStyle) -> None:
    found = run(models, photos, make_style(style={"path": "nowhere.jpg", "size": 24}))
    assert found.paintings == []
    assert found.protocol["style"]["against"] == "the checkpoint's Gram matrices, taken at 24 px"
    assert "fid_vgg16_style" not in found.protocol
    assert found.results[1].scores["style"] < found.untouched["style"]


def test_gan_and_no_gan_styles_are_labeled(
    models: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    with pytest.raises(GanstyleError, match="other: was trained with a discriminator; for --without-gan"):
        run(models, photos, make_style(), make_style("other"))


@pytest.mark.usefixtures("short_gatys")
def test_style_trained_without_gan_is_labeled(
    models: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    found = run(models, photos, make_style(discriminator=None))
    assert [result.method.label for result in found.results] == [
        *("generator", "Gatys", "Gatys in the generator’s time")
    ]
