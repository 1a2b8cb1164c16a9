import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.optim import Adam

from ganstyle.runs.snapshot import copy_state, find_not_finite


def learned() -> tuple[nn.Linear, Adam]:
    network = nn.Linear(2, 2)
    optimizer = Adam(network.parameters())
    network(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return network, optimizer


def test_snapshot_is_independent_of_the_original() -> None:
    network, optimizer = learned()
    live: dict[str, Any] = {"step": 3, "network": network.state_dict(), "optimizer": optimizer.state_dict()}
    copied = copy_state(live)
    before = network.weight.detach().clone()
    moment = optimizer.state[network.weight]["exp_avg"].clone()
    optimizer.step()
    assert torch.equal(copied["network"]["weight"], before)
    assert torch.equal(copied["optimizer"]["state"][0]["exp_avg"], moment)
    assert copied["optimizer"]["param_groups"] == live["optimizer"]["param_groups"]
    assert copied["step"] == 3


def test_snapshot_can_be_loaded() -> None:
    network, optimizer = learned()
    copied = copy_state({"network": network.state_dict(), "optimizer": optimizer.state_dict()})
    other = nn.Linear(2, 2)
    fresh = Adam(other.parameters())
    other.load_state_dict(copied["network"])
    fresh.load_state_dict(copied["optimizer"])
    for net, opt in ((network, optimizer), (other, fresh)):
        opt.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        opt.step()
    assert torch.equal(network.weight, other.weight)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "place", [{"weight": 0}, {"state": {0: {"exp_avg": 0}}}, [{"pool": 0}], [1, [0]]], ids=str
)
def test_non_finite_part_is_named(place: Any, value: float) -> None:
    def fill(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: fill(entry) for key, entry in item.items()}
        if isinstance(item, list):
            return [fill(entry) for entry in item]
        return torch.tensor([1.0, value]) if item == 0 else item

    assert (
        find_not_finite({"step": 1, "generator": {"w": torch.ones(2)}, "average": fill(place)}) == "average"
    )


def test_finite_values_and_integers_pass() -> None:
    assert find_not_finite({"a": torch.ones(2), "b": [torch.tensor(3), None, "text", math.nan]}) is None
