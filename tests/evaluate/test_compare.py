from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
import torch
from PIL import Image

from ganstyle.errors import GanstyleError
from ganstyle.evaluate import Comparison, EvaluationModels, choose_photos, compare, score_style
from ganstyle.evaluate.compare import Event, Finished, Painting
from ganstyle.images import from_pil
from ganstyle.style import load_style

MakeStyle = Callable[..., Path]


def run(
    instruments: EvaluationModels,
    photos: Path,
    style: Path,
    plain: Path | None = None,
    events: list[Event] | None = None,
) -> Comparison:
    loaded = load_style(style)
    evaluator, reference = instruments.evaluator(choose_photos(photos, 2), loaded, size=24)
    return compare(
        loaded,
        evaluator,
        reference,
        instruments.features,
        without_gan=load_style(plain) if plain else None,
        settings={"device": "cpu"},
        on_event=(events if events is not None else []).append,
    )


def pixels(png: bytes) -> torch.Tensor:
    return from_pil(Image.open(BytesIO(png)))


@pytest.mark.usefixtures("short_gatys")
def test_everything_on_the_same_photos(
    instruments: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    style = make_style()
    plain = make_style("plain", discriminator=None, steps=9, loss={"adversarial": 0.0})
    events: list[Event] = []
    found = run(instruments, photos, style, plain, events)
    assert [entry.method.key for entry in found.entries] == [
        *("generator", "without-gan", "gatys", "gatys-in-time")
    ]
    assert found.names == ["a.png", "b.jpg"]
    assert found.differences == ["steps: 4000 -> 9"]
    for entry in found.entries:
        assert entry.scores.keys() == found.protocol.keys()
        assert [pixels(png).shape for png in entry.pictures] == [pixels(png).shape for png in found.photos]
        assert len(entry.notes) == 2
    # The generator's scores are those that evaluate gives, and its pictures those that it paints.
    loaded = load_style(style)
    evaluator, _ = instruments.evaluator(choose_photos(photos, 2), loaded, size=24)
    assert found.entries[0].scores == score_style(loaded, evaluator).scores
    painted = loaded.generator(evaluator.photo(1))
    assert (pixels(found.entries[0].pictures[1]) - painted).abs().max() < 0.51 / 255
    assert found.untouched["content"] == 0
    assert found.untouched["style"] > found.entries[2].scores["style"]
    assert len(found.paintings) == 1
    # Photo by photo, one method after the other.
    finished = [event for event in events if isinstance(event, Finished)]
    assert [(event.index, event.total) for event in finished] == [(n, 8) for n in range(1, 9)]
    assert [event.photo for event in finished] == ["a.png"] * 4 + ["b.jpg"] * 4
    assert [e.step for e in events if isinstance(e, Painting) and e.index == 3] == [0, 1, 2, 3]


@pytest.mark.usefixtures("short_gatys")
def test_without_a_copy_of_the_painting(
    instruments: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    found = run(instruments, photos, make_style(style={"path": "nowhere.jpg", "size": 24}))
    assert found.paintings == []
    assert found.protocol["style"]["against"] == "the checkpoint's Gram matrices, taken at 24 px"
    assert "fid_vgg16_style" not in found.protocol
    assert found.entries[1].scores["style"] < found.untouched["style"]


def test_a_generator_with_gan_is_not_one_without(
    instruments: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    with pytest.raises(GanstyleError, match="other: was trained with a discriminator; for --without-gan"):
        run(instruments, photos, make_style(), make_style("other"))


@pytest.mark.usefixtures("short_gatys")
def test_a_style_without_gan_is_not_called_one(
    instruments: EvaluationModels, photos: Path, make_style: MakeStyle
) -> None:
    found = run(instruments, photos, make_style(discriminator=None))
    assert [entry.method.label for entry in found.entries] == [
        *("generator", "Gatys", "Gatys in the generator’s time")
    ]
