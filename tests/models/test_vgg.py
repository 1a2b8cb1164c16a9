import copy

import pytest
import torch
from torch import Tensor, nn
from torchvision.models import vgg16

from ganstyle.errors import ImageError, WeightsError
from ganstyle.models.vgg import LAYERS, VGG16Features

THROUGH_RELU3_3 = list(LAYERS[:7])


@pytest.fixture(scope="module")
def reference() -> nn.Sequential:
    """Torchvision's VGG-16 with random weights; its large classifier is never filled."""
    torch.manual_seed(0)
    with torch.device("meta"):
        features: nn.Sequential = vgg16(weights=None).features
    features.to_empty(device="cpu")
    for module in features:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
            nn.init.normal_(module.bias, std=0.1)  # type: ignore[arg-type]
        elif isinstance(module, nn.ReLU):
            module.inplace = False
    return features.requires_grad_(False)


@pytest.fixture(scope="module")
def state(reference: nn.Sequential) -> dict[str, Tensor]:
    return {f"features.{key}": value for key, value in reference.state_dict().items()}


def expected(reference: nn.Sequential, x: Tensor) -> dict[str, Tensor]:
    """Every ReLU's map that the image is large enough for, after the original normalization."""
    x = x * 255 - torch.tensor([123.68, 116.779, 103.939]).view(3, 1, 1)
    x = x.to(next(reference.parameters()).dtype)
    maps = []
    for module in reference:
        if isinstance(module, nn.MaxPool2d) and min(x.shape[-2:]) < 2:
            break
        x = module(x)
        if isinstance(module, nn.ReLU):
            maps.append(x)
    return dict(zip(LAYERS, maps, strict=False))


@pytest.fixture
def exact(reference: nn.Sequential) -> nn.Sequential:
    """The reference in float64, where rounding turns no ReLU off and moves no maximum."""
    return copy.deepcopy(reference).double()


def test_layer_names() -> None:
    assert LAYERS[0] == "relu1_1"
    assert LAYERS[6] == "relu3_3"
    assert LAYERS[-1] == "relu5_3"
    assert len(LAYERS) == 13


def test_every_layer_equals_torchvision(reference: nn.Sequential, state: dict[str, Tensor]) -> None:
    x = torch.rand(2, 3, 35, 48)
    maps = VGG16Features(LAYERS, state=state)(x)
    assert tuple(maps) == LAYERS
    for layer, wanted in expected(reference, x).items():
        assert maps[layer].dtype == torch.float32
        torch.testing.assert_close(maps[layer], wanted, rtol=1e-3, atol=float(wanted.max()) * 1e-5)


def test_order_and_repetition_of_the_names_do_not_matter(state: dict[str, Tensor]) -> None:
    model = VGG16Features(["relu2_2", "relu1_2", "relu2_2"], state=state)
    assert model.layers == ("relu1_2", "relu2_2")
    assert list(model(torch.rand(1, 3, 16, 16))) == ["relu1_2", "relu2_2"]


def test_stops_at_the_deepest_requested_layer(state: dict[str, Tensor]) -> None:
    model = VGG16Features(["relu2_1"], state=state)
    assert sum(isinstance(module, nn.Conv2d) for module in model.modules()) == 3


def test_partial_state(reference: nn.Sequential, state: dict[str, Tensor]) -> None:
    head = {key: value for key, value in state.items() if int(key.split(".")[1]) <= 14}
    assert VGG16Features.held_layers(head) == THROUGH_RELU3_3
    x = torch.rand(1, 3, 16, 16)
    maps = VGG16Features(["relu3_3"], state=head)(x)
    wanted = expected(reference, x)["relu3_3"]
    torch.testing.assert_close(maps["relu3_3"], wanted, rtol=1e-3, atol=float(wanted.max()) * 1e-5)
    with pytest.raises(WeightsError) as caught:
        VGG16Features(["relu3_3", "relu4_2"], state=head)
    message = str(caught.value)
    assert "lack relu4_2" in message
    assert ", ".join(THROUGH_RELU3_3) in message
    assert "\n" not in message


def test_keys_without_prefix(state: dict[str, Tensor]) -> None:
    bare = {key.removeprefix("features."): value for key, value in state.items()}
    x = torch.rand(1, 3, 8, 8)
    with_prefix = VGG16Features(["relu2_2"], state=state)(x)["relu2_2"]
    without = VGG16Features(["relu2_2"], state=bare)(x)["relu2_2"]
    torch.testing.assert_close(without, with_prefix, atol=0, rtol=0)


def test_held_layers_end_at_the_first_gap(state: dict[str, Tensor]) -> None:
    assert VGG16Features.held_layers(state) == list(LAYERS)
    assert VGG16Features.held_layers({}) == []
    gap = {key: value for key, value in state.items() if key != "features.5.bias"}
    assert VGG16Features.held_layers(gap) == ["relu1_1", "relu1_2"]


def test_state_without_any_layer_is_an_error() -> None:
    with pytest.raises(WeightsError, match="hold no layer"):
        VGG16Features(["relu1_1"], state={"classifier.0.weight": torch.zeros(1)})


@pytest.mark.parametrize("layer", ["relu6_1", "conv1_1", "", "relu1_3"])
def test_unknown_name_lists_the_names(layer: str) -> None:
    with pytest.raises(WeightsError, match=r"no such layer; choose from relu1_1, .*relu5_3$"):
        VGG16Features(["relu1_1", layer], state=None)


def test_no_layer_at_all_is_an_error() -> None:
    with pytest.raises(WeightsError, match="no VGG-16 layer"):
        VGG16Features([], state=None)


def test_wrong_shape_is_an_error(state: dict[str, Tensor]) -> None:
    wrong = {**state, "features.2.weight": torch.zeros(32, 64, 3, 3)}
    with pytest.raises(WeightsError, match=r"features\.2\.weight: shape \(32, 64, 3, 3\)"):
        VGG16Features(["relu1_2"], state=wrong)
    VGG16Features(["relu1_1"], state=wrong)  # which needs no more than the first layer


def test_frozen_and_always_in_evaluation_mode() -> None:
    model = VGG16Features(["relu2_1"], state=None)
    assert not any(parameter.requires_grad for parameter in model.parameters())
    parent = nn.Sequential(model).train()
    assert parent.training
    assert not any(module.training for module in model.modules())


def test_state_is_copied(state: dict[str, Tensor]) -> None:
    own = {key: value.clone() for key, value in state.items() if key.startswith("features.0.")}
    model, x = VGG16Features(["relu1_1"], state=own), torch.rand(1, 3, 8, 8)
    before = model(x)["relu1_1"]
    own["features.0.weight"].zero_()
    torch.testing.assert_close(model(x)["relu1_1"], before, atol=0, rtol=0)


def test_input_is_not_modified(state: dict[str, Tensor]) -> None:
    x = torch.rand(1, 3, 8, 8).contiguous(memory_format=torch.channels_last)
    before = x.clone()
    VGG16Features(["relu1_2"], state=state)(x)
    torch.testing.assert_close(x, before, atol=0, rtol=0)


def test_gradient_equals_torchvision(exact: nn.Sequential, state: dict[str, Tensor]) -> None:
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    layers = ["relu1_1", "relu2_2", "relu3_3"]
    gradients = []
    for maps in (VGG16Features(layers, state=state, dtype=torch.float64)(x), expected(exact, x)):
        loss = torch.stack([maps[layer].square().mean() for layer in layers]).sum()
        gradients.append(torch.autograd.grad(loss, x)[0])
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=float(gradients[1].abs().max()) * 1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_second_derivative_flows(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    model = VGG16Features(["relu1_2", "relu2_1"], state=None, dtype=dtype)
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    loss = torch.stack([each.square().mean() for each in model(x).values()]).sum()
    (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
    (second,) = torch.autograd.grad(gradient.square().sum(), x)
    assert second.isfinite().all()
    assert second.abs().sum() > 0


def test_second_derivative_equals_torchvision(exact: nn.Sequential, state: dict[str, Tensor]) -> None:
    x = torch.rand(1, 3, 8, 8, requires_grad=True)
    products = []
    for maps in (VGG16Features(["relu2_2"], state=state, dtype=torch.float64)(x), expected(exact, x)):
        loss = maps["relu2_2"].square().mean()
        (gradient,) = torch.autograd.grad(loss, x, create_graph=True)
        products.append(torch.autograd.grad(gradient.sum(), x)[0])
    torch.testing.assert_close(*products, rtol=1e-2, atol=float(products[1].abs().max()) * 1e-3)


def test_bfloat16_is_close(state: dict[str, Tensor]) -> None:
    x = torch.rand(1, 3, 32, 32)
    layers = ["relu1_2", "relu2_2", "relu3_3"]
    exact = VGG16Features(layers, state=state)(x)
    rough = VGG16Features(layers, state=state, dtype=torch.bfloat16)(x)
    for layer in layers:
        assert rough[layer].dtype == torch.bfloat16
        error = (rough[layer] - exact[layer]).norm() / exact[layer].norm()
        assert 0 < float(error) < 0.02


def test_autocast_has_no_effect(state: dict[str, Tensor]) -> None:
    model, x = VGG16Features(["relu1_2"], state=state), torch.rand(1, 3, 16, 16)
    plain = model(x)["relu1_2"]
    with torch.autocast("cpu", torch.bfloat16):
        inside = model(x)["relu1_2"]
        from_half = model(x.to(torch.bfloat16))["relu1_2"]
    assert inside.dtype == from_half.dtype == torch.float32
    torch.testing.assert_close(inside, plain, atol=0, rtol=0)


def test_random_weights_follow_the_seed() -> None:
    maps = []
    for _ in range(2):
        torch.manual_seed(3)
        maps.append(VGG16Features(["relu2_1"], state=None)(torch.full((1, 3, 8, 8), 0.2)))
    torch.testing.assert_close(maps[0]["relu2_1"], maps[1]["relu2_1"], atol=0, rtol=0)


@pytest.mark.parametrize(("layer", "side"), [("relu1_2", 1), ("relu2_1", 2), ("relu3_3", 4)])
def test_smallest_image_for_each_layer(layer: str, side: int) -> None:
    model = VGG16Features([layer], state=None)
    assert model(torch.rand(1, 3, side, side))[layer].shape[-2:] == (1, 1)
    if side > 1:
        with pytest.raises(ImageError, match=f"at least {side}x{side}") as caught:
            model(torch.rand(1, 3, side - 1, 9))
        assert "\n" not in str(caught.value)
