from hashlib import sha256
from pathlib import Path

import pytest
import torch

from ganstyle.errors import GanstyleError, WeightsError
from ganstyle.models import DistilledFeatures
from ganstyle.weights import VGG16_URL, WeightsFile, find_vgg16, load_vgg16, vgg16, vgg16_cache

CONTENT = b"These are the weights."
DIGEST = sha256(CONTENT).hexdigest()


def one_line(error: BaseException) -> str:
    assert isinstance(error, GanstyleError)
    message = str(error)
    assert "\n" not in message
    assert len(message) < 500
    return message


def names_the_way_out(message: str) -> bool:
    return VGG16_URL in message and "GANSTYLE_VGG16" in message and "--vgg" in message


@pytest.fixture
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``CONTENT`` pass for torchvision's file, which is too large for a test."""
    monkeypatch.setattr(vgg16, "_HASH_PREFIX", DIGEST[:8])


def put_into_cache(content: bytes = CONTENT) -> Path:
    path = vgg16_cache()
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_vgg16_hash_matches_the_file_name() -> None:
    from torchvision.models import VGG16_Weights

    assert VGG16_Weights.IMAGENET1K_FEATURES.url == VGG16_URL
    assert vgg16._HASH_PREFIX == "88682ab5"


@pytest.mark.usefixtures("known", "no_network")
def test_auto_prefers_the_environment_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    named = tmp_path / "mine.safetensors"
    named.write_bytes(b"others")
    monkeypatch.setenv("GANSTYLE_VGG16", str(named))
    found = find_vgg16()
    assert found == WeightsFile(
        "VGG-16 (mine)", named, sha256(b"others").hexdigest(), "GANSTYLE_VGG16 names it"
    )


@pytest.mark.usefixtures("known", "no_network")
def test_auto_uses_the_cached_file() -> None:
    cached = put_into_cache()
    found = find_vgg16("auto")
    assert (found.path, found.sha256) == (cached, DIGEST)
    assert "ImageNet" in found.name
    assert "cache" in found.reason


@pytest.mark.usefixtures("known", "no_network")
def test_imagenet_means_torchvisions_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached = put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(tmp_path / "missing"))
    assert find_vgg16("imagenet").path == cached


@pytest.mark.usefixtures("known", "no_network")
def test_explicit_path_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(tmp_path / "missing"))
    path = tmp_path / "copy.pth"
    path.write_bytes(CONTENT)
    found = find_vgg16(str(path))
    assert found.path == path
    assert found.sha256 == DIGEST
    assert "ImageNet" in found.name  # known by its content, not by its name


@pytest.mark.usefixtures("no_network")
def test_missing_weights_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing.safetensors"
    with pytest.raises(WeightsError) as caught:
        find_vgg16(str(missing))
    assert one_line(caught.value).startswith(f"{missing}: no such file")
    monkeypatch.setenv("GANSTYLE_VGG16", str(missing))
    with pytest.raises(WeightsError) as caught:
        find_vgg16()
    message = one_line(caught.value)
    assert message.startswith(f"{missing}: no such file")
    assert "GANSTYLE_VGG16" in message


@pytest.mark.usefixtures("no_network")
def test_damaged_file_in_the_cache() -> None:
    cached = put_into_cache(b"half")
    with pytest.raises(WeightsError) as caught:
        find_vgg16()
    message = one_line(caught.value)
    assert message.startswith(f"{cached}: ")
    assert sha256(b"half").hexdigest()[:8] in message
    assert "88682ab5" in message
    assert "delete it" in message


@pytest.mark.usefixtures("no_network", "nothing_ships")
def test_no_local_weights_and_download_off() -> None:
    for spec in ("auto", "imagenet"):
        with pytest.raises(WeightsError) as caught:
            find_vgg16(spec, download=False)
        message = one_line(caught.value)
        assert names_the_way_out(message)
        assert str(vgg16_cache()) in message


@pytest.mark.usefixtures("known", "no_network")
def test_distilled_is_the_shipped_network(shipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_into_cache()
    monkeypatch.setenv("GANSTYLE_VGG16", str(shipped.parent / "missing"))
    found = find_vgg16("distilled")
    assert found == WeightsFile(
        "VGG-16 distilled", shipped, sha256(shipped.read_bytes()).hexdigest(), "it ships with ganstyle"
    )


@pytest.mark.usefixtures("known", "no_network", "shipped")
def test_auto_prefers_imagenet_over_distilled() -> None:
    cached = put_into_cache()
    assert find_vgg16("auto").path == cached


def test_auto_falls_back_to_distilled_with_a_warning(shipped: Path) -> None:
    for download, reason in ((True, "cannot be downloaded"), (False, "GANSTYLE_VGG16 is not set")):
        with pytest.warns(UserWarning, match="the distilled VGG-16 that ships with ganstyle") as caught:
            found = find_vgg16("auto", download=download)
        assert found.path == shipped
        assert reason in str(caught[0].message)
        assert "\n" not in str(caught[0].message)


@pytest.mark.usefixtures("shipped")
def test_imagenet_does_not_fall_back() -> None:
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        find_vgg16("imagenet")


def test_distilled_network_by_path(shipped: Path) -> None:
    features = load_vgg16(find_vgg16(str(shipped)), ["relu2_2", "relu1_2"])
    assert isinstance(features, DistilledFeatures)
    assert list(features(torch.rand(1, 3, 8, 8))) == ["relu1_2", "relu2_2"]
    fast = load_vgg16(find_vgg16(str(shipped)), ["relu2_2"], dtype=torch.bfloat16)
    assert fast(torch.rand(1, 3, 8, 8))["relu2_2"].dtype == torch.bfloat16


def test_layer_missing_in_the_distilled_network(shipped: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        load_vgg16(find_vgg16(str(shipped)), ["relu3_3", "relu4_3"])
    message = one_line(caught.value)
    assert message == (f"{shipped}: the distilled VGG-16 lacks relu4_3; it holds relu1_2, relu2_2, relu3_3")


def test_damaged_distilled_network(shipped: Path) -> None:
    found = find_vgg16(str(shipped))
    shipped.write_bytes(shipped.read_bytes()[:-100])
    with pytest.raises(WeightsError) as caught:
        load_vgg16(found, ["relu3_3"])
    assert str(shipped) in one_line(caught.value)


@pytest.mark.usefixtures("shipped")
def test_missing_imagenet_is_said_whatever_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANSTYLE_VGG16", str(tmp_path / "mine.safetensors"))
    for download in (True, False):
        with pytest.raises(WeightsError) as raised:
            find_vgg16("imagenet", download=download)
        message = str(raised.value)
        assert "GANSTYLE_VGG16 is not set" not in message
        assert f"copy it to {vgg16_cache()}, or set GANSTYLE_VGG16 to it and use --vgg auto" in message
