from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.gatys import optimize
from ganstyle.gatys import transfer as module
from ganstyle.gatys.transfer import transfer
from ganstyle.images.color import luminance, match_color
from ganstyle.losses.regions import Regions
from ganstyle.weights import FeatureNetwork, find_vgg16, load_vgg16

CONTENT = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
STYLE = torch.rand(1, 3, 30, 18, generator=torch.Generator().manual_seed(1)) * 0.5
FAST: dict[str, Any] = {"steps": 2, "scales": "single", "optimizer": "adam"}


@pytest.fixture
def features(vgg16_weights: Path) -> FeatureNetwork:
    return load_vgg16(find_vgg16(str(vgg16_weights)), ["relu1_2", "relu2_2", "relu3_3"])


LABELS = ("#000000", "#ffffff")


def halves(height: int, width: int, name: str = "mask.png", labels: Sequence[str] = LABELS) -> Regions:
    left = torch.zeros(1, 1, height, width)
    left[..., : width // 2] = 1
    return Regions(name, labels, torch.cat([left, 1 - left]))


def test_plain_is_optimize_itself(features: FeatureNetwork) -> None:
    expected = optimize(CONTENT, [STYLE], features=features, **FAST)
    result = transfer(CONTENT, [STYLE], features=features, **FAST)
    torch.testing.assert_close(result.image, expected.image)
    assert result.loss == expected.loss


def test_luminance_keeps_the_photos_colors(features: FeatureNetwork) -> None:
    result = transfer(CONTENT, [STYLE], features=features, preserve_color="luminance", size=16, **FAST)
    assert result.image.shape == (1, 3, 16, 19)
    plain = optimize(CONTENT, [STYLE], features=features, size=16, **FAST).image
    chroma = result.image - luminance(result.image)
    photo = torch.nn.functional.interpolate(CONTENT, (16, 19), mode="bicubic", antialias=True).clamp(0, 1)
    close = torch.nn.functional.cosine_similarity(chroma, photo - luminance(photo), dim=1)
    far = torch.nn.functional.cosine_similarity(plain - luminance(plain), photo - luminance(photo), dim=1)
    assert close.mean() > 0.99 > far.mean()


def test_match_recolors_the_paintings_first(features: FeatureNetwork) -> None:
    expected = optimize(CONTENT, [match_color(STYLE, CONTENT)], features=features, **FAST)
    result = transfer(CONTENT, [STYLE], features=features, preserve_color="match", **FAST)
    torch.testing.assert_close(result.image, expected.image)


def test_regions_take_the_place_of_the_style_term(features: FeatureNetwork) -> None:
    plain = transfer(CONTENT, [STYLE], features=features, **FAST)
    result = transfer(
        CONTENT,
        [STYLE],
        features=features,
        content_regions=halves(20, 24),
        style_regions=[halves(30, 18)],
        **FAST,
    )
    assert result.terms["style"] != pytest.approx(plain.terms["style"], rel=1e-4)


def test_photorealism_is_a_further_term(features: FeatureNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []

    def term(scene: Any) -> Any:
        made.append(scene.size)
        return lambda picture, maps: (picture - 0.5).square().mean()

    monkeypatch.setattr(module, "photorealism_term", term)
    result = transfer(CONTENT, [STYLE], features=features, photorealistic=True, **FAST)
    assert made == [(20, 24)]
    assert result.terms.keys() == {"content", "style", "tv", "photorealism"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preserve_color": "sepia"}, "give off, luminance, match"),
        ({"content": None, "preserve_color": "match"}, "a texture has no photo"),
        ({"content": None, "photorealistic": True}, "a texture has no photo"),
        ({"content_regions": halves(20, 24)}, "one kind is missing"),
        ({"style_regions": [halves(30, 18)]}, "one kind is missing"),
        (
            {
                "content_regions": halves(20, 24),
                "style_regions": [halves(30, 18, "style.png", ("#000000", "#ff0000"))],
            },
            "style.png: the mask lacks #ffffff",
        ),
    ],
)
def test_bad_input_is_one_line(features: FeatureNetwork, options: dict[str, Any], message: str) -> None:
    options = {"content": CONTENT, **FAST, **options}
    with pytest.raises(GanstyleError, match=message):
        transfer(options.pop("content"), [STYLE], features=features, **options)
