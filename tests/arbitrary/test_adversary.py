from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from ganstyle.arbitrary import AnyRecipe, train_any
from ganstyle.arbitrary.adversary import adversarial_loss, discriminator_loss
from ganstyle.arbitrary.data import Paintings, PairData
from ganstyle.data.folder import FolderImages
from ganstyle.data.sampler import Draw
from ganstyle.errors import CheckpointError, RecipeError
from ganstyle.losses import GAN_LOSSES
from ganstyle.runs.events import Event, Progress, Saved

RecipeMaker = Callable[..., dict[str, Any]]
HINGE = GAN_LOSSES["hinge"]


class Sum(nn.Module):
    """Gives each patch the logit of its mean, times its code."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(()))

    def forward(self, x: Tensor, code: Tensor) -> list[Tensor]:
        return [(self.factor * x.mean((1, 2, 3)) * code.flatten(1).sum(1)).view(-1, 1, 1, 1)]


def images(*values: float) -> Tensor:
    return torch.stack([torch.full((3, 4, 4), value) for value in values])


def test_discriminator_loss_by_hand() -> None:
    picture, real = images(0.1, 0.2).requires_grad_(), images(0.5, 0.25)
    code = torch.tensor([2.0, -4.0]).view(2, 1, 1)
    loss, log = discriminator_loss(Sum(), picture, real, code, HINGE)
    on_real = ((1 - 1.0) + (1 + 1.0)) / 2  # logits 1 and -1
    on_fake = ((1 + 0.2) + (1 - 0.8)) / 2
    mismatched = (0 + (1 + 0.5)) / 2  # logits -2 and 0.5
    torch.testing.assert_close(loss, torch.tensor(on_real + (on_fake + mismatched) / 2))
    assert set(log) == {"loss/discriminator", "logits/real", "logits/fake", "logits/mismatched"}
    (gradient,) = torch.autograd.grad(loss, [picture], allow_unused=True)
    assert gradient is None


def test_single_pair_has_no_mismatch() -> None:
    loss, log = discriminator_loss(Sum(), images(0.5), images(0.5), torch.ones(1, 1, 1), HINGE)
    torch.testing.assert_close(loss, torch.tensor(0.5 + 1.5))
    assert "logits/mismatched" not in log


def test_adversarial_loss_gives_the_discriminator_no_gradient() -> None:
    picture, network = images(0.5, 0.1).requires_grad_(), Sum()
    loss = adversarial_loss(Accelerator(cpu=True), network, picture, torch.ones(2, 1, 1), HINGE)
    torch.testing.assert_close(loss, torch.tensor(-0.3))
    (gradient,) = torch.autograd.grad(loss, picture)
    assert gradient.abs().min() > 0
    assert network.factor.requires_grad


@pytest.mark.parametrize("identity", [0.0, 1.0])
def test_real_crops_are_of_the_same_painting(photos: Path, paintings: Path, identity: float) -> None:
    keywords: dict[str, Any] = {"image_size": 16, "style_size": 32, "scales": (0.5, 1.0), "colors": 0.5}
    source = (FolderImages(photos), Paintings(paintings))
    data = PairData(*source, **keywords, identity=identity, seed=0, real=True)
    for epoch in range(6):
        pair = data[Draw(epoch, 0)]
        assert pair["real"].shape == (3, 16, 16)
        assert not torch.equal(pair["real"], pair["style"])
        # Paintings here are noise around one color each.
        if not identity:
            means = pair["real"].mean((1, 2)), pair["style"].mean((1, 2))
            torch.testing.assert_close(*means, atol=0.12, rtol=0)
    assert "real" not in PairData(*source, **keywords, identity=identity, seed=0)[Draw(0, 0)]


def parse(values: dict[str, Any]) -> AnyRecipe:
    return AnyRecipe.parse(values, source="test")


def test_resume_bit_exact_with_a_discriminator(
    tiny: RecipeMaker, assert_same_state: Callable[..., None]
) -> None:
    changes = {"steps": 4, "discriminator": {"width": 4, "layers": 1}}
    straight, broken = parse(tiny(name="straight", **changes)), parse(tiny(name="broken", **changes))
    events: list[Event] = []
    train_any(straight, events.append)
    logged = [event.values for event in events if isinstance(event, Progress)]
    assert all({"loss/discriminator", "loss/adversarial"} <= values.keys() for values in logged)

    class Stop(Exception):  # noqa: N818 — what happens when the machine fails
        pass

    def fail(event: Event) -> None:
        if isinstance(event, Saved) and event.path.name == "step-000002":
            raise Stop

    with pytest.raises(Stop):
        train_any(broken, fail)
    train_any(broken)
    assert_same_state(straight, broken, 4, "generator", "average", "discriminator")


def test_training_starts_from_another_generator(
    tiny: RecipeMaker, read_state: Callable[..., dict[str, Any]], any_painting: Path
) -> None:
    first = train_any(parse(tiny(name="first")))
    second = parse(tiny(name="second", steps=1, init=str(first.style), optimizer={"lr": 1e-12}))
    train_any(second)
    begun = read_state(parse(tiny(name="first")), 4)["average"]
    for name, value in read_state(second, 1)["generator"].items():
        torch.testing.assert_close(value, begun[f"module.{name}"], atol=0.05, rtol=0.02)
    assert read_state(second, 1)["init"]["name"] == str(first.style)
    wider = tiny(name="third", init=str(first.style), generator={"width": 8, "blocks": 1, "code": 8})
    with pytest.raises(CheckpointError, match="is another generator than the recipe's") as caught:
        train_any(parse(wider))
    assert "\n" not in str(caught.value)
    with pytest.raises(CheckpointError, match="any: is another generator"):  # found, and as wide as it ships
        train_any(parse(tiny(name="shipped", init="any")))
    with pytest.raises(CheckpointError, match="nowhere"):
        train_any(parse(tiny(name="fourth", init="nowhere.safetensors")))


def test_mismatched_discriminators_are_refused(tiny: RecipeMaker) -> None:
    for section, message in (
        ({"layers": 5}, "image_size 24 is too small for discriminator.layers 5"),
        ({"width": 0}, "greater than or equal to 1"),
        ({"name": "patchgan"}, "unknown key 'discriminator.name'"),
    ):
        with pytest.raises(RecipeError, match=message):
            parse(tiny(discriminator=section))
