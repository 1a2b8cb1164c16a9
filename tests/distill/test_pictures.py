from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from ganstyle.distill.pictures import OnPolicyPictures
from ganstyle.distill.recipe import OnPolicySection
from ganstyle.losses import gram_matrix, relative_distance
from ganstyle.models import VGG16Student

PoolMaker = Callable[..., OnPolicyPictures]


@pytest.fixture
def student() -> VGG16Student:
    torch.manual_seed(0)
    return VGG16Student((4, 64, 4, 128, 8, 8, 256), norm=True).eval()


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(2, 3, 16, 16, generator=generator), torch.rand(2, 3, 16, 16, generator=generator)


def make(rank: int = 0, styles: tuple[nn.Module, ...] = (), **options: Any) -> OnPolicyPictures:
    section = OnPolicySection(**({"pictures": 2, "pool": 4, "steps": 5} | options))
    return OnPolicyPictures(section, size=16, seed=0, rank=rank, styles=styles, device=torch.device("cpu"))


def test_optimized_images_change_without_training_the_student(
    student: VGG16Student, batch: tuple[Tensor, Tensor]
) -> None:
    pool = make(pool=2, steps=1000)
    before = {key: value.clone() for key, value in student.state_dict().items()}
    first = pool.advance(student, *batch)
    assert first.shape == (2, 3, 16, 16)
    assert not first.requires_grad
    second = pool.advance(student, *batch)
    assert 0 < float((second - first).abs().max()) <= 0.1  # a step of Adam
    assert all(torch.equal(value, before[key]) for key, value in student.state_dict().items())
    assert all(parameter.grad is None for parameter in student.parameters())


def test_optimized_images_lower_the_student_loss(student: VGG16Student, batch: tuple[Tensor, Tensor]) -> None:
    pool = make(pictures=1, pool=1, steps=10_000)
    wanted = {k: gram_matrix(v).detach() for k, v in student(batch[1][:1]).items()}

    @torch.no_grad()
    def distance(picture: Tensor) -> float:
        maps = student(picture)
        return sum(float(relative_distance(gram_matrix(maps[k]), wanted[k])) for k in wanted)

    first = distance(pool.advance(student, *batch))
    for _ in range(60):
        last = pool.advance(student, *batch)
    assert distance(last) < first / 2


def test_every_pool_image_is_used(student: VGG16Student, batch: tuple[Tensor, Tensor]) -> None:
    pool = make(pictures=2, pool=4, steps=1000)
    for _ in range(2):
        pool.advance(student, *batch)
    assert float(pool.state_dict()["pool"].flatten(1).abs().sum(1).min()) > 0


def test_processes_start_from_different_images(student: VGG16Student, batch: tuple[Tensor, Tensor]) -> None:
    one, two = (make(rank=rank).advance(student, *batch) for rank in (0, 1))
    assert not torch.equal(one, two)


def test_styles_give_start_images(student: VGG16Student, batch: tuple[Tensor, Tensor]) -> None:
    class Black(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return torch.zeros_like(x)

    pool = make(pictures=1, pool=1, steps=1, styles=(Black(),))
    darkest = min(float(pool.advance(student, *batch).mean()) for _ in range(40))
    assert darkest < 0.1


def test_pool_resume_bit_exact(student: VGG16Student, batch: tuple[Tensor, Tensor]) -> None:
    straight, halted, continued = make(), make(), make()
    for _ in range(4):
        straight.advance(student, *batch)
        halted.advance(student, *batch)
    continued.load_state_dict(halted.state_dict())
    for _ in range(6):
        assert torch.equal(straight.advance(student, *batch), continued.advance(student, *batch))
    with pytest.raises(ValueError, match="longer"):
        make(pool=3).load_state_dict(halted.state_dict())
