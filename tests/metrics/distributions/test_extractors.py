import warnings
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganstyle.errors import WeightsError
from ganstyle.images import find_images, read_image, write_image
from ganstyle.metrics.distributions.extractors import (
    Extractor,
    folder_features,
    inception_extractor,
    vgg16_extractor,
)
from ganstyle.metrics.distributions.frechet import frechet_distance
from ganstyle.weights import INCEPTION_FILE, WeightsFile, find_inception, inception_cache
from ganstyle.weights import inception as weights


class Layers(nn.Module):
    """Eight by eight means of the three colors, repeated to Inception's 2,048 entries."""

    def forward(self, x: Tensor) -> Tensor:
        means = nn.functional.adaptive_avg_pool2d(x, (8, 8)).flatten(1)
        return means.repeat(1, 11)[:, :2048]


class FakeInception(nn.Module):
    """Has the interface of the TorchScript file: ``layers``, on (B, 3, 299, 299) in -1 to 1."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = Layers()

    def forward(self, x: Tensor) -> Tensor:
        return x


@pytest.fixture
def inception(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small file in the Inception's place, which passes for the real one by its SHA-256."""
    path = tmp_path / "mine" / "any-name.pt"
    path.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(FakeInception()).save(str(path))  # type: ignore[no-untyped-call]
    monkeypatch.setattr(weights, "INCEPTION_SHA256", sha256(path.read_bytes()).hexdigest())
    return path


def test_inception_file_is_verified_and_run(inception: Path) -> None:
    found = find_inception(str(inception))
    assert found.sha256 == sha256(inception.read_bytes()).hexdigest()
    extractor = inception_extractor(found)
    picture = torch.rand(1, 3, 40, 50)
    features = extractor.features([picture, picture.flip(-1)])
    assert features.shape == (2, 2048)
    assert (extractor.suffix, extractor.sha256) == ("", found.sha256)
    # By hand: clean-fid's resize, (x - 128) / 128, and the means of the colors.
    seen = (extractor.resized(picture)[None] - 128) / 128
    np.testing.assert_allclose(features[0], Layers()(seen)[0].numpy(), atol=1e-5)


def test_inception_search_order(inception: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WeightsError, match=r"no such file .*GANSTYLE_INCEPTION") as caught:
        find_inception(download=False)
    assert "\n" not in str(caught.value)
    with pytest.raises(WeightsError, match="Inception cannot be downloaded"):
        find_inception()
    assert not inception_cache().exists()
    inception_cache().parent.mkdir(parents=True, exist_ok=True)
    inception_cache().write_bytes(inception.read_bytes())
    assert find_inception().path == inception_cache()
    monkeypatch.setenv("GANSTYLE_INCEPTION", str(inception))
    assert find_inception().path == inception
    monkeypatch.setenv("GANSTYLE_INCEPTION", "nowhere.pt")
    with pytest.raises(WeightsError, match="nowhere"):
        find_inception()


def test_inception_in_temporary_folder_is_never_loaded(
    inception: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / INCEPTION_FILE).write_bytes(inception.read_bytes())
    with pytest.raises(WeightsError):
        find_inception(download=False)


@pytest.mark.parametrize("place", [0, 100, -1])
def test_inception_with_a_changed_byte_is_refused(inception: Path, place: int) -> None:
    found = find_inception(str(inception))
    content = bytearray(inception.read_bytes())
    content[place] ^= 1
    inception.write_bytes(content)
    with pytest.raises(WeightsError, match="another network"):
        find_inception(str(inception))
    with pytest.raises(WeightsError, match="has changed since"):  # between the check and the use
        inception_extractor(found)


def test_file_that_is_not_torchscript_is_one_line(inception: Path) -> None:
    inception.write_bytes(b"nonsense")
    fake = WeightsFile("fake", inception, sha256(b"nonsense").hexdigest(), "")
    with pytest.raises(WeightsError, match="cannot be loaded") as caught:
        inception_extractor(fake)
    assert "\n" not in str(caught.value)


def test_folder_features_equal_clean_fid(inception: Path, tmp_path: Path) -> None:
    from cleanfid.fid import fid_from_feats, get_folder_features

    torch.manual_seed(0)
    for folder in "ab":
        for number in range(12):
            picture = torch.rand(1, 3, 20 + number, 30) * (0.5 if folder == "b" else 1.0)
            write_image(picture, tmp_path / folder / f"{number}.png")
    for extractor in (inception_extractor(find_inception(str(inception))), fake_vgg16()):
        ours, theirs = [], []
        for folder in "ab":
            ours.append(folder_features(tmp_path / folder, extractor))
            theirs.append(
                get_folder_features(
                    str(tmp_path / folder),
                    extractor.network,
                    num_workers=0,
                    batch_size=32,
                    device=torch.device("cpu"),
                    mode="clean",
                    custom_fn_resize=None if extractor.side == 299 else resizer(extractor.side),
                    verbose=False,
                )
            )
            np.testing.assert_allclose(ours[-1], theirs[-1], atol=1e-4)
        if extractor.suffix:  # of 12 vectors of 2,048 entries, clean-fid's square root is not to be had
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # how clean-fid calls scipy's sqrtm
                expected = fid_from_feats(*theirs)
            assert frechet_distance(*ours) == pytest.approx(expected, rel=1e-4)


def resizer(side: int) -> object:
    from cleanfid.resize import make_resizer

    return make_resizer("PIL", False, "bicubic", (side, side))


def fake_vgg16() -> Extractor:
    weights_file = WeightsFile("tiny", Path("tiny"), "0" * 64, "")
    return vgg16_extractor(weights_file, lambda x: {"relu3_3": torch.cat([x, x.square()], 1)})


def test_vgg16_fallback_has_its_own_name() -> None:
    extractor = fake_vgg16()
    assert extractor.suffix == "_vgg16"
    assert extractor.name == "tiny, mean of relu3_3 / 255"
    features = extractor.features([torch.full((3, 7, 9), 0.5)])
    gray = 128 / 255
    np.testing.assert_allclose(features * 255, [[gray] * 3 + [gray**2] * 3], rtol=1e-5)


def test_images_are_streamed() -> None:
    alive: list[int] = []

    def watched(x: Tensor) -> dict[str, Tensor]:
        alive.append(len(x))
        return {"relu3_3": x}

    extractor = vgg16_extractor(WeightsFile("tiny", Path("tiny"), "0" * 64, ""), watched)
    assert extractor.features(torch.rand(1, 3, 4, 4) for _ in range(19)).shape == (19, 3)
    assert alive == [8, 8, 3]
    assert extractor.features([]).shape == (0, 0)


def test_folder_is_read_like_single_images(tmp_path: Path) -> None:
    write_image(torch.rand(1, 3, 9, 9), tmp_path / "a.png")
    write_image(torch.rand(1, 3, 9, 12), tmp_path / "more" / "b.jpg")
    (tmp_path / "notes.txt").write_text("no picture")
    extractor = fake_vgg16()
    expected = extractor.features(read_image(path) for path in find_images(tmp_path).images)
    np.testing.assert_array_equal(folder_features(tmp_path, extractor), expected)
