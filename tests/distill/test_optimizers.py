import torch
from torch import nn
from torch.optim import Optimizer

from ganstyle.distill.optimizers import build_optimizers
from ganstyle.models import VGG16Student


def small() -> VGG16Student:
    torch.manual_seed(0)
    return VGG16Student((4, 64, 4, 128, 8, 8, 256), (0, 0, 2, 0, 4, 4, 4), norm=True)


def backward(student: VGG16Student) -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.autograd.backward([maps.square().mean() for maps in student(images).values()])


def learn(student: VGG16Student, optimizers: tuple[Optimizer, ...]) -> None:
    backward(student)
    for optimizer in optimizers:
        optimizer.step()
        optimizer.zero_grad()


def test_every_parameter_has_one_optimizer() -> None:
    student = small()
    before = {name: value.detach().clone() for name, value in student.named_parameters()}
    learn(student, build_optimizers(student, lr=0.02, lr_adam=0.01, weight_decay=0.0))
    assert [k for k, value in student.named_parameters() if torch.equal(value, before[k])] == []
    assert all(value.grad is None for value in student.parameters())


def test_a_kernels_step_is_orthogonal() -> None:
    """What Muon adds to a matrix has singular values near 1, scaled for tall matrices."""
    student = small()
    kernel = student.units["relu2_2"][0].weight  # type: ignore[index]
    assert isinstance(kernel, nn.Parameter)
    before = kernel.detach().clone()
    learn(student, build_optimizers(student, lr=0.02, lr_adam=0.01, weight_decay=0.0)[:1])
    step = (kernel.detach() - before).flatten(1) / 0.02 / (128 / 36) ** 0.5
    values = torch.linalg.svdvals(step)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.5


def test_a_state_comes_back() -> None:
    one, two = small(), small()
    for student in (one, two):
        optimizers = build_optimizers(student, lr=0.02, lr_adam=0.01, weight_decay=0.1)
        learn(student, optimizers)
        if student is two:
            states = [optimizer.state_dict() for optimizer in optimizers]
            optimizers = build_optimizers(student, lr=0.02, lr_adam=0.01, weight_decay=0.1)
            for optimizer, state in zip(optimizers, states, strict=True):
                optimizer.load_state_dict(state)
        learn(student, optimizers)
    for name, value in one.named_parameters():
        assert torch.equal(value, two.get_parameter(name)), name


def test_loading_weights_reaches_the_matrices() -> None:
    student = small()
    optimizers = build_optimizers(student, lr=0.02, lr_adam=0.01, weight_decay=0.0)
    student.load_state_dict({key: torch.zeros_like(value) for key, value in student.state_dict().items()})
    assert all(float(p.detach().abs().max()) == 0 for p in optimizers[0].param_groups[0]["params"])
