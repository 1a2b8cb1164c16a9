import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.arbitrary.pairs import PairLoss, soften_outliers
from ganstyle.arbitrary.recipe import PairLossSection
from ganstyle.losses import gram_matrix, relative_distance, total_variation

SECTION = PairLossSection(
    content=2.0,
    style=3.0,
    tv=0.5,
    content_layers={"a": 1.0},
    style_layers={"a": 1.0},
    content_octaves=1,
    style_octaves=1,
    outlier=1e9,
)


def features(x: Tensor) -> Mapping[str, Tensor]:
    return {"a": torch.cat([x, x.flip(1) ** 2], dim=1)}


def pair_loss(section: PairLossSection = SECTION, octaves: int = 1) -> PairLoss:
    return PairLoss(features, features, section, octaves=octaves)


def images(seed: int) -> Tensor:
    return torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_pair_loss_by_hand() -> None:
    picture, photo, painting = images(0), images(1), images(2)
    loss = pair_loss()
    total, log = loss(picture, photo, loss.view(painting))
    content, style = 0.0, 0.0
    for n in range(2):  # each pair by itself
        one, photo_maps, painting_maps = (
            features(image[n : n + 1])["a"] for image in (picture, photo, painting)
        )
        content += float(relative_distance(one, photo_maps)) / 2
        style += float(relative_distance(gram_matrix(one), gram_matrix(painting_maps))) / 2
    expected = 2 * content + 3 * style + 0.5 * float(total_variation(picture))
    torch.testing.assert_close(total, torch.tensor(expected))
    assert math.isclose(float(log["loss/style"]), style, rel_tol=1e-5)


def test_identity_pair_has_zero_loss() -> None:
    image = images(0)
    loss = pair_loss(SECTION.model_copy(update={"tv": 0.0, "style_octaves": 2}))
    total, _ = loss(image, image, loss.view(image))
    assert float(total) == 0


def test_view_gives_the_encoder_its_own_octaves() -> None:
    paintings = torch.rand(2, 3, 64, 64)
    calls: list[str] = []

    def encoding(x: Tensor) -> Mapping[str, Tensor]:
        calls.append("encoding")
        return features(F.relu(x))

    apart = PairLoss(features, encoding, SECTION, octaves=3)
    together = pair_loss(octaves=3)
    one, other = apart.view(paintings), together.view(paintings)
    assert len(calls) == len(one.octaves) == len(other.octaves) == 3
    assert len(one.target.octaves) == 1
    for mine, theirs in zip(one.octaves, other.octaves, strict=True):
        torch.testing.assert_close(mine["a"], theirs["a"])


def test_loss_is_robust_to_outliers() -> None:
    distances = torch.tensor([0.0, 0.5, 2.0, 2.0 * math.e, 200.0], requires_grad=True)
    soft = soften_outliers(distances, 2.0)
    expected = torch.tensor([0.0, 0.5, 2.0, 4.0, 2 * (1 + math.log(100))])
    torch.testing.assert_close(soft, expected)
    (slope,) = torch.autograd.grad(soft.sum(), distances)
    torch.testing.assert_close(slope, torch.tensor([1.0, 1.0, 1.0, 1 / math.e, 0.01]))
