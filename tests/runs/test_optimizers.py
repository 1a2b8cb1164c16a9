import pytest
import torch
from torch import Tensor, nn

from ganstyle.models import GENERATORS, VGG16Student
from ganstyle.runs.optimizers import KernelMuon


def student() -> nn.Module:
    """Kernels in channels-last memory."""
    torch.manual_seed(0)
    return VGG16Student((4, 64, 4, 128, 8, 8, 256), (0, 0, 2, 0, 4, 4, 4), norm=True)


def lean() -> nn.Module:
    """Kernels in NCHW memory."""
    torch.manual_seed(0)
    return GENERATORS["lean"](width=4, blocks=1)


def muon(network: nn.Module, lr: float = 0.02) -> KernelMuon:
    return KernelMuon(network, lr=lr, lr_adam=0.01, weight_decay=0.1)


def learn(network: nn.Module, optimizer: KernelMuon) -> None:
    images = torch.rand(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    out = network(images)
    torch.autograd.backward([m.square().mean() for m in ([out] if isinstance(out, Tensor) else out.values())])
    optimizer.step()
    optimizer.zero_grad()


@pytest.fixture(params=[student, lean], ids=["student", "lean"])
def networks(request: pytest.FixtureRequest) -> tuple[nn.Module, nn.Module]:
    return request.param(), request.param()


def test_muon_updates_every_parameter(networks: tuple[nn.Module, nn.Module]) -> None:
    network = networks[0]
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    learn(network, muon(network))
    # A bias before an instance norm has no effect, and so nearly no gradient.
    assert [k for k, v in network.named_parameters() if torch.equal(v, before[k])] == []
    assert all(value.grad is None for value in network.parameters())


@pytest.mark.parametrize(("network", "name"), [(student(), "units.relu2_2.0.weight"), (lean(), "body.0")])
def test_muon_step_is_orthogonal(network: nn.Module, name: str) -> None:
    """What Muon adds to a matrix has singular values near 1, scaled for tall matrices."""
    kernel = next(p for k, p in network.named_parameters() if k.startswith(name) and p.dim() == 4)
    before = kernel.detach().clone()
    learn(network, KernelMuon(network, lr=0.02, lr_adam=0.01))
    step = (kernel.detach() - before).flatten(1)
    rows, rest = step.shape
    values = torch.linalg.svdvals(step / 0.02 / max(1, rows / rest) ** 0.5)
    assert float(values.min()) > 0.5
    assert float(values.max()) < 1.5


def test_image_layers_use_adam() -> None:
    network = lean()
    first, last = (p for p in network.parameters() if p.dim() == 4 and 3 in p.shape[:2])
    kernels, others = (group["params"] for group in muon(network).param_groups)
    assert all(any(p is q for q in others) for p in (first, last))
    assert len(kernels) + len(others) == len(list(network.parameters()))


def test_zero_learning_rate_freezes_its_group() -> None:
    network = lean()
    optimizer = muon(network)
    optimizer.param_groups[0]["lr"] = 0.0
    kernel = optimizer.param_groups[0]["params"][0]
    before = kernel.detach().clone()
    learn(network, optimizer)
    assert torch.equal(kernel, before)


def test_optimizer_state_round_trip(networks: tuple[nn.Module, nn.Module]) -> None:
    one, two = networks
    for network in networks:
        optimizer = muon(network)
        learn(network, optimizer)
        if network is two:
            state = optimizer.state_dict()
            optimizer = muon(network)
            optimizer.load_state_dict(state)
        learn(network, optimizer)
    for name, value in one.named_parameters():
        assert torch.equal(value, two.get_parameter(name)), name


def test_optimizer_updates_loaded_weights(networks: tuple[nn.Module, nn.Module]) -> None:
    network = networks[0]
    optimizer = muon(network)
    network.load_state_dict({key: value * 2 for key, value in network.state_dict().items()})
    loaded = [p.detach().clone() for p in optimizer.param_groups[0]["params"]]
    learn(network, optimizer)
    for kernel, was in zip(optimizer.param_groups[0]["params"], loaded, strict=True):
        assert 0 < float((kernel.detach() - was * (1 - 0.02 * 0.1)).norm()) < 0.2 * float(was.norm()) + 1
