from importlib.util import find_spec

import pytest
import torch
from torch import Tensor

from ganstyle.errors import GanstyleError
from ganstyle.gatys import GatysSettings, ScaleInputs, optimize
from ganstyle.gatys.photorealism import PHOTOREALISM_WEIGHT, photorealism_term
from ganstyle.losses.matting import matting_laplacian, photorealism_loss

needs_pymatting = pytest.mark.skipif(
    find_spec("pymatting") is None, reason="needs PyMatting: pip install 'ganstyle[photorealistic]'"
)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def features(image: Tensor) -> dict[str, Tensor]:
    """Colors and their products: what a style of color alone is about."""
    return {"only": torch.cat([image, image.roll(1, -1), image.square()], 1)}


def test_photorealism_needs_a_photo() -> None:
    with pytest.raises(GanstyleError, match="needs a photo"):
        photorealism_term(ScaleInputs((8, 8), None, [random(1, 3, 8, 8)], features))


@needs_pymatting
def test_photorealism_uses_the_photo_at_the_current_scale() -> None:
    photo, picture = random(1, 3, 8, 9), random(1, 3, 8, 9, seed=1)
    term = photorealism_term(ScaleInputs((8, 9), photo, [], features))
    expected = photorealism_loss(picture, matting_laplacian(photo))
    torch.testing.assert_close(term(picture, []), expected)


@needs_pymatting
def test_photorealistic_optimization_keeps_edges() -> None:
    """At two sizes, so that each has its own Laplacian: colors move, structure does not."""
    checks = (torch.arange(24)[:, None] // 6 + torch.arange(32) // 8) % 2
    photo = (0.3 + 0.3 * checks).expand(1, 3, 24, 32) + 0.1 * random(1, 3, 24, 32)
    painting = torch.tensor([0.9, 0.4, 0.1]).view(1, 3, 1, 1) * random(1, 3, 24, 24, seed=1)
    layers = {"only": 1.0}

    def paint(weight: float) -> Tensor:
        return optimize(
            photo,
            painting,
            features=features,
            settings=GatysSettings(steps=40, scales=(12, 24), content_layers=layers, style_layers=layers),
            terms={"photorealism": (weight, photorealism_term)},
        ).image

    free, bound = paint(0.0), paint(PHOTOREALISM_WEIGHT)
    laplacian = matting_laplacian(photo)
    assert photorealism_loss(bound, laplacian) < 0.01 * photorealism_loss(free, laplacian)
    assert (bound - photo).abs().mean() > 0.05  # it did take on other colors


@needs_pymatting
def test_photorealism_keeps_lines_straight() -> None:
    """The edge of a wall leans evenly; a painting of waves bends it unless the picture is bound."""
    rows, columns = torch.arange(32.0)[:, None], torch.arange(40.0)
    wall = (columns - 8.5 - 0.35 * rows).clamp(0, 1)
    photo = 0.25 + 0.45 * wall + 0.05 * random(1, 3, 32, 40)
    waves = (torch.sin(0.9 * columns + 2 * torch.sin(0.6 * rows)) > 0).float()
    painting = waves * torch.tensor([0.9, 0.6, 0.1]).view(1, 3, 1, 1)

    def edge(picture: Tensor) -> Tensor:
        """Return the column of the steepest step of brightness in each row."""
        return picture.mean(1)[0].diff(dim=-1).abs().argmax(-1)

    free, bound = (
        optimize(
            photo,
            painting,
            features=features,
            settings=GatysSettings(
                steps=40, content_layers={"only": 1.0}, style_layers={"only": 1.0}, style_weight=300.0
            ),
            terms={"photorealism": (weight, photorealism_term)},
        ).image
        for weight in (0.0, PHOTOREALISM_WEIGHT)
    )
    assert int((edge(bound) - edge(photo)).abs().max()) <= 1
    assert int((edge(free) - edge(photo)).abs().max()) > 5
    assert float((bound - photo).abs().mean()) > 0.05
