import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ganstyle.errors import CheckpointError, ImageError
from ganstyle.evaluate import EvaluationModels
from ganstyle.evaluate.reference import find_reference
from ganstyle.images import read_image, resize_shorter, write_image
from ganstyle.losses import StyleTarget
from ganstyle.metrics import StyleReference
from ganstyle.style import load_style, shipped_styles, style_from
from ganstyle.weights import VGG16_FILE

MakeStyle = Callable[..., Path]


def find(
    path: Path, models: EvaluationModels, size: int = 32, painting: Path | None = None
) -> StyleReference:
    return find_reference(load_style(path), models.vgg, models.features, size=size, painting=painting)


def test_painting_of_the_recipe_is_used(
    make_style: MakeStyle, models: EvaluationModels, painting: Path
) -> None:
    reference = find(make_style(), models)
    assert reference.source == "painting.png at 32 px"
    image = resize_shorter(read_image(painting), 32)
    expected = StyleTarget.from_images(models.features, [image])
    for layer, gram in expected.grams.items():
        assert torch.equal(reference.target.grams[layer], gram)
    assert len(reference.target.octaves) == 3  # 32, 16 and 8 px


def test_missing_painting_falls_back_to_gram_matrices(
    make_style: MakeStyle, models: EvaluationModels, painting: Path
) -> None:
    path = make_style(style={"path": "nowhere.jpg", "size": 24})
    reference = find(path, models)
    assert reference.source == "the checkpoint's Gram matrices, taken at 24 px"
    assert reference.paintings is None
    for layer, gram in load_style(path).target.grams.items():
        assert torch.equal(reference.target.grams[layer], gram)
    given = find(path, models, painting=painting)
    assert given.source == "painting.png at 32 px"
    assert given.key == reference.key  # what is stored of it may stand in for it later


def test_another_painting_never_stands_in_for_the_style(
    make_style: MakeStyle, models: EvaluationModels, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    write_image(torch.rand(1, 3, 40, 40), other)
    assert find(make_style(), models, painting=other).key == ""


def test_missing_painting_falls_back_to_stored_octaves(
    make_style: MakeStyle, models: EvaluationModels
) -> None:
    style = load_style(make_style(style={"path": "nowhere.jpg", "size": 24}))
    grams = dict(style.target.grams)
    lacking = {layer: gram for layer, gram in grams.items() if layer != "relu2_2"}
    stored = replace(style, target=StyleTarget((grams, grams, lacking)))
    reference = find_reference(stored, models.vgg, models.features, size=32)
    assert len(reference.target.octaves) == 2


def test_painting_with_another_hash_is_not_used(
    make_style: MakeStyle, models: EvaluationModels, photos: Path, tmp_path: Path
) -> None:
    other = tmp_path / "painting.png"
    shutil.copy(photos / "a.png", other)
    reference = find(make_style(style={"path": str(other), "size": 24}), models)
    assert reference.paintings is None


def test_gram_matrices_of_another_network_are_refused(
    make_style: MakeStyle, models: EvaluationModels, painting: Path
) -> None:
    info = {"vgg": {"name": "VGG-16 distilled", "sha256": "f" * 64}}
    path = make_style(style={"path": "nowhere.jpg", "size": 24}, info=info)
    with pytest.raises(
        CheckpointError, match=r"made by VGG-16 distilled, not by VGG-16 \(vgg16-random\)"
    ) as e:
        find(path, models)
    assert "\n" not in str(e.value)
    with pytest.raises(CheckpointError, match="an unknown network"):
        find(make_style(style={"path": "nowhere.jpg", "size": 24}, info={}), models)
    # With the painting it does not matter what the style was trained with.
    assert find(path, models, painting=painting).paintings
    assert find(make_style(info=info), models).paintings


def test_gram_matrices_of_the_same_network_in_another_file(
    make_style: MakeStyle, models: EvaluationModels
) -> None:
    """The shipped styles were made with the first blocks of the file that torchvision has."""
    made_with = shipped_styles()["wave"]
    info = {"vgg": load_style(made_with).info["vgg"]}
    style = load_style(make_style(style={"path": "nowhere.jpg", "size": 24}, info=info))
    torchvision = replace(models.vgg, sha256=VGG16_FILE[-12:-4] + "0" * 56)
    assert find_reference(style, torchvision, models.features, size=32).paintings is None


def test_style_without_gram_matrices_is_refused(make_style: MakeStyle, models: EvaluationModels) -> None:
    loss = {"style_layers": ["relu2_2"], "content_layers": ["relu2_2"]}
    path = make_style(style={"path": "nowhere.jpg", "size": 24}, loss=loss)
    with pytest.raises(CheckpointError, match=r"Gram matrices lack relu1_2, relu3_3; give --painting"):
        find(path, models)
    assert find(make_style(loss=loss), models).paintings


def test_missing_painting_path_is_an_error(make_style: MakeStyle, models: EvaluationModels) -> None:
    with pytest.raises(ImageError, match=r"none\.png"):
        find(make_style(), models, painting=Path("none.png"))


def test_style_of_a_code_needs_its_painting(
    any_painting: Path, models: EvaluationModels, painting: Path, tmp_path: Path
) -> None:
    copy, path = tmp_path / "copy.png", tmp_path / "style.safetensors"
    shutil.copy(painting, copy)
    style_from(copy, generator=any_painting).save_code(tmp_path / "code.safetensors")
    style_from(tmp_path / "code.safetensors", generator=any_painting).save(path)
    assert find(path, models).source == "copy.png at 32 px"
    copy.unlink()
    with pytest.raises(CheckpointError, match=r"made of a code.*copy\.png\); give --painting$"):
        find(path, models)
    assert find(path, models, painting=painting).key == ""  # nothing says that it is the code's
