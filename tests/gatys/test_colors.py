from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.errors import GanstyleError
from ganstyle.gatys import GatysSettings, Result, optimize
from ganstyle.gatys import optimization as module
from ganstyle.images.color import luminance, match_color
from ganstyle.weights import FeatureNetwork, find_vgg16, load_vgg16

CONTENT = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
STYLE = torch.rand(1, 3, 30, 18, generator=torch.Generator().manual_seed(1)) * 0.5


@pytest.fixture
def features(vgg16_weights: Path) -> FeatureNetwork:
    return load_vgg16(find_vgg16(str(vgg16_weights)), ["relu1_2", "relu2_2", "relu3_3"])


def paint(features: FeatureNetwork, style: torch.Tensor = STYLE, **options: Any) -> Result:
    content = options.pop("content", CONTENT)
    settings = GatysSettings(steps=2, scales="single", optimizer="adam", **options)
    return optimize(content, [style], features=features, settings=settings)


def test_preserve_color_luminance_keeps_the_photos_colors(features: FeatureNetwork) -> None:
    result = paint(features, preserve_color="luminance", size=16)
    assert result.image.shape == (1, 3, 16, 19)
    plain = paint(features, size=16).image
    chroma = result.image - luminance(result.image)
    photo = torch.nn.functional.interpolate(CONTENT, (16, 19), mode="bicubic", antialias=True).clamp(0, 1)
    close = torch.nn.functional.cosine_similarity(chroma, photo - luminance(photo), dim=1)
    far = torch.nn.functional.cosine_similarity(plain - luminance(plain), photo - luminance(photo), dim=1)
    assert close.mean() > 0.99 > far.mean()


def test_preserve_color_match_recolors_the_paintings_first(features: FeatureNetwork) -> None:
    expected = paint(features, match_color(STYLE, CONTENT))
    torch.testing.assert_close(paint(features, preserve_color="match").image, expected.image)


def test_photorealism_is_a_further_term(features: FeatureNetwork, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[tuple[int, int]] = []

    def term(inputs: Any) -> Any:
        made.append(inputs.size)
        return lambda picture, maps: (picture - 0.5).square().mean()

    monkeypatch.setattr(module, "photorealism_term", term)
    result = paint(features, photorealistic=True)
    assert made == [(20, 24)]
    assert result.terms.keys() == {"content", "style", "tv", "photorealism"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preserve_color": "sepia"}, "give off, luminance, match"),
        ({"content": None, "preserve_color": "match"}, "a texture has no photo"),
        ({"content": None, "photorealistic": True}, "a texture has no photo"),
    ],
)
def test_invalid_color_settings_are_one_line(
    features: FeatureNetwork, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(GanstyleError, match=message):
        paint(features, **options)
