import math

import pytest
import torch
from torch import nn
from torch.optim import SGD
from torch.optim.swa_utils import AveragedModel

from ganstyle.runs.schedule import EMA, learning_rate_factor, set_learning_rates


def test_cosine_falls_from_1_to_0() -> None:
    factors = [learning_rate_factor(s, steps=100, warmup=0, schedule="cosine") for s in range(101)]
    assert factors[0] == 1
    assert factors[50] == pytest.approx(0.5)
    assert factors[100] == pytest.approx(0)
    assert factors == sorted(factors, reverse=True)
    assert factors[25] == pytest.approx((1 + math.cos(math.pi / 4)) / 2)


@pytest.mark.parametrize("schedule", ["cosine", "constant"])
def test_warmup_rises_linearly_and_never_starts_at_0(schedule: str) -> None:
    factors = [learning_rate_factor(s, steps=100, warmup=4, schedule=schedule) for s in range(5)]  # type: ignore[arg-type]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])


def test_constant_schedule() -> None:
    assert {learning_rate_factor(s, steps=9, warmup=0, schedule="constant") for s in range(9)} == {1.0}


@pytest.mark.parametrize("warmup", [5, 9])
def test_warmup_as_long_as_the_training(warmup: int) -> None:
    for step in range(5):
        assert 0 < learning_rate_factor(step, steps=5, warmup=warmup, schedule="cosine") <= 1


def test_schedule_scales_each_parameter_group() -> None:
    a, b = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.zeros(1))
    optimizer = SGD([{"params": [a]}, {"params": [b]}], lr=1.0)
    set_learning_rates(optimizer, (0.5, 2.0), 0.1)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.05, 0.2])
    with pytest.raises(ValueError, match="shorter"):
        set_learning_rates(optimizer, (0.5,), 0.1)


def test_ema_by_hand() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(network.weight)
    average = AveragedModel(network, multi_avg_fn=EMA(0.5))
    values = []
    for value in (1.0, 2.0, 3.0):
        nn.init.constant_(network.weight, value)
        average.update_parameters(network)
        values.append(next(average.parameters()).item())
    # The first update copies; then the decays are (1 + n) / (10 + n) with n = 1 and 2.
    second = 1 * 2 / 11 + 2 * 9 / 11
    assert values == pytest.approx([1.0, second, second * 3 / 12 + 3 * 9 / 12])


def test_ema_decay_is_limited() -> None:
    average, current = [torch.zeros(1)], [torch.ones(1)]
    EMA(0.5)(average, current, 1000)
    assert float(average[0]) == 0.5
