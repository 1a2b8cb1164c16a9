from pathlib import Path

import pytest
import torch
from torch import Tensor

from ganstyle.errors import WeightsError
from ganstyle.metrics.similarity.lpips import LPIPS, artfid, find_lpips, load_lpips

INDICES = ((0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28))


@pytest.fixture
def state() -> dict[str, Tensor]:
    """LPIPS' tensors by the names of the package ``lpips``, a few channels wide."""
    torch.manual_seed(0)
    tensors = {
        "scaling_layer.shift": torch.tensor([-0.03, -0.088, -0.188]).view(1, 3, 1, 1),
        "scaling_layer.scale": torch.tensor([0.458, 0.448, 0.45]).view(1, 3, 1, 1),
    }
    inputs = 3
    for number, indices in enumerate(INDICES, 1):
        for index in indices:
            tensors[f"net.slice{number}.{index}.weight"] = torch.randn(4, inputs, 3, 3) / 3
            tensors[f"net.slice{number}.{index}.bias"] = torch.randn(4) / 10
            inputs = 4
        tensors[f"lin{number - 1}.model.1.weight"] = torch.rand(1, 4, 1, 1)
    return tensors


def by_definition(state: dict[str, Tensor], a: Tensor, b: Tensor) -> float:
    """Zhang et al. 2018, equation 1, with plain modules."""
    total = 0.0
    maps = [(2 * x - 1 - state["scaling_layer.shift"]) / state["scaling_layer.scale"] for x in (a, b)]
    for number, indices in enumerate(INDICES, 1):
        layers: list[torch.nn.Module] = [torch.nn.MaxPool2d(2)] if number > 1 else []
        for index in indices:
            weight = state[f"net.slice{number}.{index}.weight"]
            conv = torch.nn.Conv2d(weight.shape[1], weight.shape[0], 3, padding=1)
            name = f"net.slice{number}.{index}."
            conv.load_state_dict({"weight": weight, "bias": state[f"{name}bias"]})
            layers += [conv, torch.nn.ReLU()]
        maps = [torch.nn.Sequential(*layers)(x) for x in maps]
        x, y = (torch.nn.functional.normalize(m, dim=1) for m in maps)
        weights = state[f"lin{number - 1}.model.1.weight"]
        total += (weights * (x - y) ** 2).sum(1).mean().item()
    return total


def test_lpips_equals_the_definition(state: dict[str, Tensor]) -> None:
    a, b = torch.rand(2, 3, 32, 48), torch.rand(2, 3, 32, 48)
    distance = LPIPS(state)
    expected = [by_definition(state, a[i : i + 1], b[i : i + 1]) for i in range(2)]
    assert distance(a, b).tolist() == pytest.approx(expected, rel=1e-4)
    assert distance(a, a).tolist() == [0.0, 0.0]


def test_lpips_weights_are_found_and_read(
    state: dict[str, Tensor], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GANSTYLE_LPIPS", raising=False)
    assert find_lpips() is None
    path = tmp_path / "lpips.pth"
    monkeypatch.setenv("GANSTYLE_LPIPS", str(path))
    with pytest.raises(WeightsError, match="no such file"):
        find_lpips()
    torch.save(state, path)
    weights = find_lpips()
    assert weights is not None
    assert len(weights.sha256) == 64
    a, b = torch.rand(1, 3, 16, 16), torch.rand(1, 3, 16, 16)
    assert torch.equal(load_lpips(weights)(a, b), LPIPS(state)(a, b))
    del state["lin4.model.1.weight"]
    torch.save(state, path)
    with pytest.raises(WeightsError, match=r"lpips\.pth: LPIPS' weights lack lin4\.model\.1\.weight"):
        load_lpips(weights)


def test_artfid() -> None:
    assert artfid(0.0, 0.0) == 1.0
    assert artfid(0.5, 19.0) == pytest.approx(30.0)
