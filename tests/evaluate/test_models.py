from collections.abc import Callable
from pathlib import Path

import pytest

from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.evaluate import EvaluationModels, choose_photos, load_evaluation_models, style_evaluator
from ganstyle.style import load_style
from ganstyle.weights import inception_cache


def test_without_inception_vgg16_stands_in_with_a_warning(vgg16_weights: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"^Inception cannot be downloaded .*: no FID; fid_vgg16 and"
    ) as caught:
        models = load_evaluation_models(str(vgg16_weights))
    assert len(caught) == 1
    assert models.extractor is not None
    assert models.extractor.suffix == "_vgg16"
    assert models.extractor.sha256 == models.vgg.sha256
    assert models.lpips is None


def test_inception_off_uses_vgg16(vgg16_weights: Path) -> None:
    extractor = load_evaluation_models(str(vgg16_weights), "off").extractor
    assert extractor is not None
    assert extractor.suffix == "_vgg16"


def test_damaged_inception_is_an_error(
    vgg16_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "inception.pt"
    with pytest.raises(WeightsError, match=r"inception\.pt: no such file"):
        load_evaluation_models(str(vgg16_weights), str(file))
    file.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="another network"):
        load_evaluation_models(str(vgg16_weights), str(file))
    inception_cache().parent.mkdir(parents=True)
    inception_cache().write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="another network"):
        load_evaluation_models(str(vgg16_weights))
    inception_cache().unlink()
    monkeypatch.setenv("GANSTYLE_INCEPTION", str(tmp_path / "none.pt"))
    with pytest.raises(WeightsError, match=r"none\.pt"):
        load_evaluation_models(str(vgg16_weights))


def test_size_below_the_minimum_is_refused(
    models: EvaluationModels, make_style: Callable[..., Path], photos: Path
) -> None:
    with pytest.raises(GanstyleError, match="size 15: give at least 16 pixels"):
        style_evaluator(models, choose_photos(photos).photos, load_style(make_style()), size=15)
