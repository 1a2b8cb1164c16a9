"""Every generator can be built so that it is told how strongly to paint."""

import pytest
import torch
from torch import nn

from ganstyle.models import GENERATORS, takes_strength


def build(name: str, seed: int = 0, **keywords: int) -> nn.Module:
    """Build a generator that paints differently at each strength."""
    torch.manual_seed(seed)
    model = GENERATORS[name](width=4, strength=True, **keywords).eval()
    for key, parameter in model.named_parameters():
        if key.endswith("_slope"):
            nn.init.normal_(parameter)
    return model


@pytest.fixture(params=sorted(GENERATORS))
def name(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


def test_strength_1_is_the_unconditioned_generator(name: str) -> None:
    model, plain = build(name), GENERATORS[name](width=4).eval()
    state = {key: value for key, value in model.state_dict().items() if not key.endswith("_slope")}
    plain.load_state_dict(state)
    assert takes_strength(model)
    assert not takes_strength(plain)
    x = torch.rand(2, 3, 33, 40)
    with torch.no_grad():
        assert torch.equal(model(x), plain(x))
        assert torch.equal(model(x, torch.ones(2)), plain(x))
        assert not torch.allclose(model(x, 0.5), plain(x), atol=1e-3)


def test_strength_0_is_the_photo(name: str) -> None:
    x = torch.rand(1, 3, 20, 31)
    with torch.no_grad():
        assert torch.equal(build(name)(x, 0.0), x)
        assert (build(name)(x, 0.01) - x).abs().max() < 0.05


def test_strength_per_batch_item(name: str) -> None:
    model, x = build(name), torch.rand(3, 3, 24, 24)
    strengths = torch.tensor([0.2, 1.0, 1.5])
    with torch.no_grad():
        together = model(x, strengths)
        for item, strength in enumerate(strengths.tolist()):
            alone = model(x[item : item + 1], strength)
            torch.testing.assert_close(together[item : item + 1], alone, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (5, 40), (97, 131)], ids=str)
def test_strength_at_any_size(name: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        image = build(name)(torch.rand(2, 3, *size), torch.tensor([0.1, 1.4]))
    assert image.shape == (2, 3, *size)
    assert image.min() >= 0
    assert image.max() <= 1


def test_strength_slopes_get_gradients(name: str) -> None:
    model = build(name).train()
    model(torch.rand(2, 3, 64, 64), torch.tensor([0.5, 1.0])).square().mean().backward()
    slopes = [p for key, p in model.named_parameters() if key.endswith("_slope")]
    assert slopes
    for slope in slopes:
        assert slope.grad is not None
        assert slope.grad.abs().sum() > 0


def test_strength_adds_few_parameters() -> None:
    def count(**keywords: bool) -> int:
        return sum(p.numel() for p in GENERATORS["resnet"](width=16, kernel=5, **keywords).parameters())

    assert count() < count(strength=True) < 1.01 * count()


@pytest.mark.parametrize("strength", [0.5, torch.ones(1)], ids=["number", "tensor"])
def test_generator_without_strength_refuses_it(name: str, strength: float | torch.Tensor) -> None:
    with pytest.raises(ValueError, match="built without strength"):
        GENERATORS[name](width=4)(torch.rand(1, 3, 16, 16), strength)


def test_exports_with_the_strength_as_an_input(name: str) -> None:
    model, free = build(name, blocks=1), torch.export.Dim.DYNAMIC
    inputs = (torch.rand(1, 3, 64, 96), torch.tensor([0.5]))
    graph = torch.export.export(model, inputs, dynamic_shapes=({2: free, 3: free}, {})).module()
    x, strength = torch.rand(1, 3, 71, 50), torch.tensor([1.3])
    with torch.no_grad():
        torch.testing.assert_close(graph(x, strength), model(x, strength), atol=1e-5, rtol=1e-4)
