from typing import Any

import pytest
import torch
from torch import nn

from ganstyle.errors import ImageError, WeightsError
from ganstyle.models import STUDENT_LAYERS, DistilledFeatures, VGG16Features, VGG16Student

SMALL: dict[str, Any] = {"widths": (4, 64, 4, 128, 8, 8, 256), "ranks": (0, 0, 2, 0, 4, 4, 4)}


def trained() -> VGG16Student:
    """A student whose batch norm has seen something."""
    torch.manual_seed(0)
    student = VGG16Student(**SMALL, norm=True)
    for module in student.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
    for _ in range(3):
        student(torch.rand(2, 3, 16, 16))
    return student.eval()


def test_maps_have_vgg16s_names_and_shapes() -> None:
    x = torch.rand(2, 3, 37, 22)
    real = VGG16Features(list(STUDENT_LAYERS), state=None)(x)
    for student in (VGG16Student(), VGG16Student(**SMALL, norm=True)):
        maps = student(x)
        assert list(maps) == list(real)
        for layer, wanted in real.items():
            assert maps[layer].shape == wanted.shape
            assert float(maps[layer].detach().min()) >= 0


def test_folding_keeps_the_maps_up_to_their_scale() -> None:
    student, x = trained(), torch.rand(1, 3, 24, 24)
    scale = {"relu1_2": 200.0, "relu2_2": 50.0, "relu3_3": 3.0}
    folded = student.fold(scale)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    wanted = student(x)
    for layer, maps in folded(x).items():
        torch.testing.assert_close(maps, wanted[layer] * scale[layer], rtol=1e-4, atol=1e-3)
    student.train()
    student.fold(scale)
    assert student.training  # the original is left as it was


def test_mean_color_maps_to_zero() -> None:
    mean = torch.tensor([123.68, 116.779, 103.939]).view(1, 3, 1, 1) / 255
    student = VGG16Student(**SMALL)
    for parameter in student.parameters():
        if parameter.dim() == 1:
            nn.init.zeros_(parameter)
    for maps in student(mean.expand(1, 3, 8, 8)).values():
        assert float(maps.detach().abs().max()) < 1e-5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"widths": (4, 4)}, "7 each"),
        ({"widths": (0, 64, 4, 128, 8, 8, 256)}, "widths must be >= 1"),
        ({"widths": (4, 32, 4, 128, 8, 8, 256)}, "relu1_2 must have VGG-16's 64 channels, not 32"),
        ({"ranks": (0, 0, 0, 0, 0, 0, -1)}, "ranks >= 0"),
    ],
)
def test_bad_keywords(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        VGG16Student(**options)


def test_same_interface_as_vgg16() -> None:
    features = DistilledFeatures(["relu3_3", "relu1_2"], student=VGG16Student(**SMALL))
    assert features.layers == ("relu1_2", "relu3_3")
    x = torch.rand(1, 3, 16, 16, requires_grad=True)
    maps = features(x)
    assert list(maps) == ["relu1_2", "relu3_3"]
    sum(m.sum() for m in maps.values()).backward()
    assert x.grad is not None
    assert bool(x.grad.abs().sum() > 0)
    assert not any(parameter.requires_grad for parameter in features.parameters())
    assert not features.train().training


def test_stops_at_the_deepest_requested_layer() -> None:
    student = VGG16Student(**SMALL)
    called: list[str] = []
    for layer, unit in student.units.items():
        unit.register_forward_hook(lambda *_, layer=layer: called.append(layer))
    assert list(DistilledFeatures(["relu2_2"], student=student)(torch.rand(1, 3, 8, 8))) == ["relu2_2"]
    assert called == ["relu1_1", "relu1_2", "relu2_1", "relu2_2"]


def test_hints_are_the_maps_as_wide_as_vgg16s() -> None:
    assert VGG16Student(**SMALL).hints == ["relu1_2", "relu2_2", "relu3_3"]
    student = VGG16Student((64, 64, 4, 128, 256, 8, 256))
    assert student.hints == ["relu1_1", "relu1_2", "relu2_2", "relu3_1", "relu3_3"]
    maps = student(torch.rand(1, 3, 8, 8), student.hints)
    assert list(maps) == student.hints
    assert maps["relu3_1"].shape == (1, 256, 2, 2)


def test_bfloat16_and_no_autocast() -> None:
    exact = DistilledFeatures(["relu3_3"], student=VGG16Student(**SMALL))
    x = torch.rand(1, 3, 16, 16)
    with torch.autocast("cpu", torch.bfloat16):
        assert exact(x)["relu3_3"].dtype == torch.float32
    assert DistilledFeatures(["relu3_3"], student=exact.student, dtype=torch.bfloat16)(x)[
        "relu3_3"
    ].dtype == (torch.bfloat16)


def test_distilled_errors_are_one_line() -> None:
    student = VGG16Student(**SMALL)
    with pytest.raises(WeightsError, match=r"lacks relu4_3; it holds relu1_2, relu2_2, relu3_3$"):
        DistilledFeatures(["relu1_2", "relu4_3"], student=student)
    with pytest.raises(WeightsError, match="no layer was asked for"):
        DistilledFeatures([], student=student)
    with pytest.raises(ImageError, match="give an image of at least 4x4"):
        DistilledFeatures(["relu3_3"], student=student)(torch.rand(1, 3, 3, 9))
    assert DistilledFeatures(["relu3_3"], student=student)(torch.rand(1, 3, 4, 4))["relu3_3"].numel() == 256
