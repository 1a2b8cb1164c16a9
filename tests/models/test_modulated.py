import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from ganstyle.models.distilled import STUDENT_LAYERS
from ganstyle.models.modulated import ModulatedGenerator
from ganstyle.models.style_encoder import RandomCovariance, map_statistics


def maps(batch: int, seed: int = 0) -> list[dict[str, Tensor]]:
    """Feature maps of paintings, on three octaves."""
    generator = torch.Generator().manual_seed(seed)

    def noise(channels: int, side: int) -> Tensor:
        return F.relu(torch.randn(batch, channels, side, side, generator=generator)) * 100

    return [
        {layer: noise(count, side >> level) for level, (layer, count) in enumerate(STUDENT_LAYERS.items())}
        for side in (32, 16, 8)
    ]


def trained(coarse: int = 0) -> ModulatedGenerator:
    """A generator whose heads are no longer near zero, as after a training."""
    torch.manual_seed(0)
    model = ModulatedGenerator(width=4, blocks=1, code=8, coarse=coarse, coarse_width=6).eval()
    for head in model.heads:
        torch.nn.init.normal_(head.weight, std=0.3)  # type: ignore[arg-type]
    return model


def test_map_statistics_by_hand() -> None:
    flat, varied = torch.full((1, 1, 2, 2), 3.0), torch.tensor([0.0, 0.0, 4.0, 4.0]).view(1, 1, 2, 2)
    statistics = map_statistics(torch.cat([flat, varied], dim=1))
    torch.testing.assert_close(statistics, torch.tensor([[4.0, 3.0, 1.0, 3.0]]).log())


def test_map_statistics_of_a_flat_map_have_a_gradient() -> None:
    flat = torch.full((1, 2, 3, 3), 3.0, requires_grad=True)
    (gradient,) = torch.autograd.grad(map_statistics(flat).sum(), flat)
    assert torch.isfinite(gradient).all()


def test_random_covariance_by_hand() -> None:
    network = RandomCovariance(3, 2)
    network.get_buffer("mixing").copy_(torch.tensor([[1.0, 0, 0], [0, 1, -1]]))
    maps = torch.rand(2, 3, 5, 7) * 9
    mixed = torch.stack([maps[:, 0], maps[:, 1] - maps[:, 2]], dim=1).flatten(2)
    expected = torch.stack([torch.cov(each, correction=0)[[0, 0, 1], [0, 1, 1]] for each in mixed])
    torch.testing.assert_close(network(maps), expected.sign() * expected.abs().log1p())


def test_projections_distinguish_equal_means_and_deviations() -> None:
    """Two paintings whose channels have the same values each, once lit together and once in turn."""
    model = ModulatedGenerator(width=4, blocks=1, code=8, projections=4)
    together = [{layer: each[:1].clone() for layer, each in octave.items()} for octave in maps(1)]
    for octave in together:
        for layer, each in octave.items():
            octave[layer] = each[:, :1].expand(-1, each.shape[1], -1, -1)
    in_turn = [
        {layer: torch.cat([each[:, ::2], each[:, 1::2].flip(-1)], dim=1) for layer, each in octave.items()}
        for octave in together
    ]
    for one, two in zip(together, in_turn, strict=True):
        for layer in one:
            torch.testing.assert_close(map_statistics(one[layer]), map_statistics(two[layer]))
    assert (model.encode(together) - model.encode(in_turn)).abs().max() > 0.01


def test_forward_takes_codes_or_feature_maps() -> None:
    model, photos = trained(), torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(model(photos, maps(2)), model(photos, model.encode(maps(2))))


def test_code_per_batch_item() -> None:
    model, photos = trained(), torch.rand(2, 3, 20, 24)
    codes = model.encode(maps(2))
    assert codes.shape == (2, 3, 8)
    with torch.no_grad():
        together = model(photos, codes)
        for index in range(2):
            alone = model(photos[index : index + 1], codes[index : index + 1])
            torch.testing.assert_close(together[index : index + 1], alone)
        swapped = model(photos, codes.flip(0))
    assert (together - swapped).abs().mean() > 0.01
    assert together.min() >= 0
    assert together.max() <= 1


@pytest.mark.parametrize("coarse", [0, 1])
def test_baked_generator_gives_the_same_image(coarse: int) -> None:
    model, photo = trained(coarse), torch.rand(1, 3, 21, 34)
    code = model.encode(maps(1))
    with torch.no_grad():
        expected = model(photo, code)
        torch.testing.assert_close(model.bake(code)(photo), expected)
        torch.testing.assert_close(model.bake(code, neutral=torch.zeros_like(code))(photo), expected)


def test_baked_strength_mixes_in_the_neutral_code() -> None:
    model, photo = trained(), torch.rand(1, 3, 21, 34)
    code, neutral = model.encode(maps(1)), model.encode(maps(1, seed=1))
    baked = model.bake(code, neutral=neutral)
    with torch.no_grad():
        for strength in (0.5, 0.75, 1.0, 1.5):
            expected = model(photo, torch.lerp(neutral, code, strength))
            torch.testing.assert_close(baked(photo, strength), expected, atol=1e-5, rtol=1e-4)
        assert torch.equal(baked(photo, 0.0), photo)


def test_small_painting_has_fewer_octaves() -> None:
    model = trained()
    assert torch.equal(model.encode(maps(1)[:1]), model.encode([maps(1)[0]] * 3))


def test_every_weight_gets_a_gradient() -> None:
    model = trained()
    model(torch.rand(2, 3, 16, 16), model.encode(maps(2))).square().mean().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.encoder.parameters())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.heads.parameters())


def test_parameter_count_of_the_shipped_generator() -> None:
    with torch.device("meta"):
        model = ModulatedGenerator(projections=16)
    assert sum(p.numel() for p in model.parameters()) < 2_500_000  # 5 MB as float16
