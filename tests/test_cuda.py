"""What only a CUDA device can show. Everything here is skipped without one."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import torch

from ganstyle.anystyle import load_any
from ganstyle.arbitrary import AnyRecipe, train_any
from ganstyle.gatys import GatysSettings, optimize
from ganstyle.images import read_image
from ganstyle.losses import gram_matrix
from ganstyle.models import GENERATORS, InstanceNorm, VGG16Features
from ganstyle.models.channels_last_conv import ChannelsLastConv2d
from ganstyle.recipe import Recipe
from ganstyle.style import load_style
from ganstyle.stylize import stylize_image
from ganstyle.training import Event, Progress, train

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

RecipeMaker = Callable[..., dict[str, Any]]
PRECISIONS = ("fp32", "bf16", "fp16")


@pytest.fixture
def no_tf32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compute float32 convolutions in float32, which CUDA does in TF32 by default."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", ["lean", "resnet", "unet"])
def test_training_on_cuda_is_finite_and_learns(tiny: RecipeMaker, precision: str, name: str) -> None:
    generator = {"name": name, "width": 8} | ({} if name == "unet" else {"blocks": 1})
    if name == "lean":
        generator |= {"strength": True, "antialias": True, "coarse": 1, "coarse_width": 8}
    events: list[Event] = []
    recipe = Recipe.parse(
        tiny(steps=30, precision=precision, generator=generator, image_size=64, optimizer={"lr": 4e-3}),
        source="test",
    )
    outcome = train(recipe, events.append)
    losses = [event.values["loss/generator"] for event in events if isinstance(event, Progress)]
    assert outcome.finished
    assert sum(losses[-5:]) < sum(losses[:5])
    style = load_style(outcome.style)
    assert all(weight.dtype == torch.float32 for weight in style.generator.state_dict().values())
    assert torch.isfinite(style.generator(torch.rand(1, 3, 33, 47))).all()


@pytest.mark.parametrize("precision", PRECISIONS)
def test_resume_on_cuda_continues_the_same_training(
    tiny: RecipeMaker, precision: str, tmp_path: Path
) -> None:
    weights = []
    for folder, pauses in (("whole", (6,)), ("again", (6,)), ("parts", (3, 6))):
        for steps in pauses:
            run = {"dir": str(tmp_path / folder), "save_every": 3, "sample_every": 0}
            # Constant rates: with a schedule, the length of the training would change the first steps.
            values = tiny(steps=steps, precision=precision, run=run, optimizer={"schedule": "constant"})
            outcome = train(Recipe.parse(values, source="test"))
        state = load_style(outcome.style).generator.state_dict()
        weights.append(torch.cat([value.flatten() for value in state.values()]))
    whole, again, parts = weights
    # CUDA adds some gradients in any order, so that the same training twice differs in its last digits, which
    # a few steps of Adam turn into more. A step more or less differs by 0.004 of the weights' norm.
    spread = max(float((again - whole).norm() / whole.norm()), 5e-4)
    assert float((parts - whole).norm() / whole.norm()) < 4 * spread


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_any_painting_trains_on_cuda(tiny: RecipeMaker, photos: Path, precision: str) -> None:
    values = tiny(steps=3, precision=precision, image_size=64)
    values["style"] = {"path": str(photos), "size": 64}
    values["generator"] = {"name": "modulated", "width": 4, "blocks": 1, "code": 8, "projections": 2}
    values["discriminator"] = {"width": 4, "layers": 1}
    values["loss"] = {"style": 5.0, "adversarial": 0.1}
    outcome = train_any(AnyRecipe.parse(values, source="test"))
    assert outcome.finished
    assert all(torch.isfinite(weight).all() for weight in load_any(outcome.style).generator.parameters())


@pytest.mark.usefixtures("no_tf32")
@pytest.mark.parametrize("coarse", [0, 2])
def test_generator_paints_the_same_on_both_devices(coarse: int) -> None:
    generator = GENERATORS["lean"](width=8, coarse=coarse, antialias=True, strength=True).eval()
    image = torch.rand(1, 3, 131, 173)
    expected = stylize_image(generator, image)
    result = stylize_image(generator.cuda(), image)
    torch.testing.assert_close(result, expected, atol=2e-3, rtol=0)


@pytest.mark.usefixtures("no_tf32")
def test_features_and_gram_matrices_are_the_same_on_both_devices() -> None:
    features = VGG16Features(["relu1_2", "relu3_3"], state=None, padding="replicate")
    image = torch.rand(2, 3, 65, 80)
    expected, result = features(image), features.cuda()(image.cuda())
    for layer, maps in expected.items():
        torch.testing.assert_close(result[layer].cpu(), maps, atol=1e-3, rtol=1e-3)
        torch.testing.assert_close(gram_matrix(result[layer]).cpu(), gram_matrix(maps), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kernel", [(3, 3), (3, 1), (1, 3)])
def test_replicated_edges_are_the_same_on_both_devices(kernel: tuple[int, int]) -> None:
    padding = (kernel[0] // 2, kernel[1] // 2)
    conv = ChannelsLastConv2d(4, 6, kernel, padding=padding, padding_mode="replicate").double()
    maps = torch.rand(2, 4, 9, 8, dtype=torch.float64, requires_grad=True)
    expected, result = conv(maps), deepcopy(conv).cuda()(maps.cuda()).cpu()
    torch.testing.assert_close(result, expected)
    gradient = torch.rand_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad(result, maps, gradient), torch.autograd.grad(expected, maps, gradient)
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_gram_matrix_of_halves_is_taken_in_float32(dtype: torch.dtype) -> None:
    maps = torch.randn(2, 64, 40, 50).to("cuda", dtype, memory_format=torch.channels_last).requires_grad_()
    result, exact = gram_matrix(maps), gram_matrix(maps.double())
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), exact, atol=1e-6, rtol=1e-5)
    (gradient,) = torch.autograd.grad(result.square().sum(), maps)
    (wanted,) = torch.autograd.grad(exact.square().sum(), maps)
    torch.testing.assert_close(gradient, wanted, atol=2e-2 * float(wanted.abs().max()), rtol=0)


def test_instance_norm_is_exact_where_the_mean_is_large() -> None:
    norm = InstanceNorm(16, conditioned=True).cuda()
    maps = torch.randn(4, 16, 64, 64) + 1e3
    wanted = (maps.double() - maps.double().mean((2, 3), keepdim=True)) / maps.double().std(
        (2, 3), correction=0, keepdim=True
    )
    for layout in (torch.contiguous_format, torch.channels_last):
        result = norm(maps.cuda().to(memory_format=layout), torch.ones(4, device="cuda"))
        torch.testing.assert_close(result.double().cpu(), wanted, atol=5e-3, rtol=0)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam", "newton-cg", "langevin"])
def test_optimize_on_cuda(photos: Path, painting: Path, optimizer: str) -> None:
    features = VGG16Features(["relu1_2", "relu2_2", "relu3_3"], state=None).cuda()
    settings = GatysSettings(size=48, steps=5, optimizer=optimizer)
    result = optimize(
        read_image(photos / "a.png").cuda(), read_image(painting).cuda(), features=features, settings=settings
    )
    assert torch.isfinite(result.image).all()
