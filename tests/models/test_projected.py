import pytest
import torch
from torch import Tensor

from ganstyle.errors import ImageError
from ganstyle.losses import GAN_LOSSES
from ganstyle.models import ProjectedDiscriminator, VGG16Features


def maps(side: int = 64, batch: int = 2, seed: int = 0) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {
        layer: scale * torch.rand(batch, channels, side // stride, side // stride, generator=generator)
        for layer, channels, stride, scale in (
            ("relu1_2", 64, 1, 250.0),
            ("relu2_2", 128, 2, 500.0),
            ("relu3_3", 256, 4, 500.0),
        )
    }


@pytest.mark.parametrize("side", [56, 64, 128])
def test_one_logit_for_8x8_pixels_inside_the_margin(side: int) -> None:
    logits = ProjectedDiscriminator(width=4)(maps(side))
    assert [tuple(each.shape) for each in logits] == [(2, 1, (side - 40) // 8, (side - 40) // 8)] * 3


def test_takes_the_maps_of_vgg16() -> None:
    network = ProjectedDiscriminator(width=4)
    features = VGG16Features(network.feature_layers, state=None, dtype=torch.bfloat16)
    logits = network(features(torch.rand(1, 3, network.minimum, network.minimum)))
    assert all(each.dtype == torch.float32 and each.shape == (1, 1, 2, 2) for each in logits)


def test_too_small_patches() -> None:
    with pytest.raises(ImageError, match=r"patches of 48 pixels are too small .* needs 56"):
        ProjectedDiscriminator(width=4)(maps(48))


def test_projected_margin_is_ignored() -> None:
    """What depends on pixels beyond the patch must not tell real from generated."""
    network, given = ProjectedDiscriminator(width=4).eval(), maps()
    framed = {layer: each.clone() for layer, each in given.items()}
    for layer, stride in (("relu1_2", 1), ("relu2_2", 2), ("relu3_3", 4)):
        margin = 20 // stride
        for side in (slice(None, margin), slice(-margin, None)):
            framed[layer][..., side, :] = 0
            framed[layer][..., side] = 0
    with torch.no_grad():
        for first, second in zip(network(given), network(framed), strict=True):
            assert torch.equal(first, second)


def test_projections_are_fixed_and_kept_with_the_weights() -> None:
    torch.manual_seed(0)
    first, second = ProjectedDiscriminator(width=4), ProjectedDiscriminator(width=4)
    assert not any("project" in name or "mix" in name for name, _ in first.named_parameters())
    second.load_state_dict(first.state_dict())
    for one, other in zip(first.eval()(maps()), second.eval()(maps()), strict=True):
        assert torch.equal(one, other)


def test_layers_affect_their_own_and_finer_logits() -> None:
    network = ProjectedDiscriminator(width=4).eval()
    before = network(maps())
    for changed, reached in (
        ("relu1_2", [True, False, False]),
        ("relu2_2", [True, True, False]),
        ("relu3_3", [True, True, True]),
    ):
        other = maps()
        other[changed] = maps(seed=1)[changed]
        differs = [not torch.equal(a, b) for a, b in zip(before, network(other), strict=True)]
        assert differs == reached


def test_spectral_norm_bounds_every_kernel() -> None:
    torch.manual_seed(0)
    network = ProjectedDiscriminator(width=4)
    for _ in range(60):  # one power iteration each
        network(maps())
    network.eval()
    kernels = [m.weight.detach() for m in network.heads.modules() if isinstance(m, torch.nn.Conv2d)]
    assert len(kernels) == 3 + 2 + 1 + 3
    for kernel in kernels:
        assert torch.linalg.matrix_norm(kernel.flatten(1), 2) == pytest.approx(1, abs=0.05)


def test_projections_keep_the_scale() -> None:
    network = ProjectedDiscriminator(width=64)
    given = {k: v * 3**0.5 for k, v in maps().items()}  # root mean square 1 after the division
    for layer in network.feature_layers:
        projected = network._project(layer, given[layer], None)
        assert 0.5 < projected.square().mean().sqrt() < 2


def test_projected_discriminator_learns_textures() -> None:
    torch.manual_seed(0)
    network = ProjectedDiscriminator(width=8)
    optimizer, loss = torch.optim.Adam(network.parameters(), lr=2e-3), GAN_LOSSES["hinge"]
    for step in range(60):
        smooth = {k: torch.nn.functional.avg_pool2d(v, 3, 1, 1) for k, v in maps(seed=step + 100).items()}
        value = loss.discriminator(network(maps(seed=step)), network(smooth))
        optimizer.zero_grad()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert value.item() < 1.7


def test_gradient_reaches_the_maps() -> None:
    given = {layer: each.requires_grad_() for layer, each in maps().items()}
    GAN_LOSSES["hinge"].generator(ProjectedDiscriminator(width=4)(given)).backward()  # type: ignore[no-untyped-call]
    for each in given.values():
        assert each.grad is not None
        assert each.grad.abs().sum() > 0


@pytest.mark.parametrize("keywords", [{"width": 0}, {"width": True}])
def test_bad_keywords(keywords: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="width"):
        ProjectedDiscriminator(**keywords)  # type: ignore[arg-type]
