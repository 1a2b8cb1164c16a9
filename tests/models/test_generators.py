"""The contract that every generator keeps."""

import copy

import pytest
import torch
from torch import Tensor, nn

from ganstyle.models import GENERATORS

SIZES = [(1, 1), (2, 2), (1, 7), (3, 5), (4, 4), (8, 9), (15, 16), (17, 16), (31, 33), (64, 5)]
SIZES += [(50, 71), (64, 64), (65, 63)]


def build(name: str, width: int = 4) -> nn.Module:
    torch.manual_seed(0)
    return GENERATORS[name](width=width).eval()


@pytest.fixture(params=sorted(GENERATORS))
def name(request: pytest.FixtureRequest) -> str:
    value: str = request.param
    return value


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_size_and_range(name: str, size: tuple[int, int]) -> None:
    with torch.no_grad():
        image: Tensor = build(name)(torch.rand(2, 3, *size))
    assert image.shape == (2, 3, *size)
    assert image.dtype == torch.float32
    assert image.isfinite().all()
    assert image.min() >= 0
    assert image.max() <= 1


def test_no_checkerboard_on_a_flat_image(name: str) -> None:
    """Whatever the weights, a constant photo gives a constant painting, to the last corner."""
    model = build(name, width=8)
    for module in model.modules():
        assert not isinstance(module, nn.ConvTranspose2d)
        if isinstance(module, nn.GroupNorm):  # else a constant map would be all zeros inside
            nn.init.normal_(module.bias)
    with torch.no_grad():
        image = model(torch.tensor([0.5, 0.2, 0.9]).view(1, 3, 1, 1).expand(1, 3, 64, 64))
    spectrum = torch.fft.rfft2(image, norm="forward").abs()
    mean = spectrum[..., 0, 0].clone()
    spectrum[..., 0, 0] = 0
    assert float(mean.min()) > 0.01
    assert float((spectrum.amax(dim=(-2, -1)) / mean).max()) < 1e-3


def test_batch_items_are_independent(name: str) -> None:
    model, x = build(name), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(model(x)[1:], model(x[1:]), atol=1e-5, rtol=1e-4)


def test_channels_last_input_gives_the_same_image(name: str) -> None:
    model, x = build(name), torch.rand(1, 3, 32, 48)
    with torch.no_grad():
        last = model(x.contiguous(memory_format=torch.channels_last))
        torch.testing.assert_close(last, model(x), atol=1e-4, rtol=1e-3)


def test_every_parameter_learns(name: str) -> None:
    model = build(name).train()
    x = torch.rand(1, 3, 64, 64, requires_grad=True)
    model(x).square().mean().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0
    for key, parameter in model.named_parameters():
        assert parameter.grad is not None, key
        assert parameter.grad.abs().sum() > 0, key


def test_autocast_returns_a_float32_image(name: str) -> None:
    model, x = build(name), torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            half = model(x)
        full = model(x)
    assert half.dtype == torch.float32
    assert float((half - full).abs().mean()) < 0.02


def test_state_round_trip(name: str) -> None:
    model = build(name)
    other = GENERATORS[name](width=4).eval()
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    x = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(other(x), model(x), atol=0, rtol=0)


def test_exported_graph_takes_other_sizes(name: str) -> None:
    model, free = GENERATORS[name](width=4, blocks=1).eval(), torch.export.Dim.DYNAMIC
    graph = torch.export.export(
        model, (torch.rand(1, 3, 64, 96),), dynamic_shapes=({2: free, 3: free},)
    ).module()
    for size in ((64, 96), (71, 50), (65, 97)):
        x = torch.rand(1, 3, *size)
        with torch.no_grad():
            torch.testing.assert_close(graph(x), model(x), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["lean", "resnet"])
def test_output_follows_its_input_in_place(name: str) -> None:
    """A bright pixel moved by four pixels moves the response by four pixels: nothing is shifted."""
    torch.manual_seed(0)
    model = GENERATORS[name](width=4, blocks=1, kernel=3).eval()
    gray = torch.full((1, 3, 64, 64), 0.5)
    here, there = gray.clone(), gray.clone()
    here[..., 30:32, 28:30] = 1
    there[..., 30:32, 32:34] = 1
    with torch.no_grad():
        torch.testing.assert_close(
            model(here)[..., 24:40, 20:40], model(there)[..., 24:40, 24:44], atol=1e-4, rtol=0
        )
