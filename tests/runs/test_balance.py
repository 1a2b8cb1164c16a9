import pytest
import torch

from ganstyle.losses import GAN_LOSSES
from ganstyle.recipe.schema import BalanceSection
from ganstyle.runs.balance import Balance


def feed(balance: Balance, accuracy: float, steps: int) -> float:
    for _ in range(steps):
        balance.update(accuracy)
    return balance.factor


def test_strong_discriminator_is_slowed_down_to_the_limit() -> None:
    balance = Balance(BalanceSection(slowest=0.1))
    assert feed(balance, 1.0, 1) == 0.7
    assert feed(balance, 1.0, 5) == pytest.approx(0.7**6)
    assert feed(balance, 1.0, 1000) == 0.1


def test_weak_discriminator_regains_its_rate_but_no_more() -> None:
    balance = Balance(BalanceSection())
    feed(balance, 1.0, 5)
    slowed = balance.factor
    assert feed(balance, 0.7, 100) < slowed  # the average takes steps to come down
    held = balance.factor
    assert feed(balance, 0.7, 100) == held
    assert feed(balance, 0.5, 1000) == 1.0


def test_balance_state_round_trip() -> None:
    first, second = Balance(BalanceSection()), Balance(BalanceSection())
    feed(first, 0.95, 7)
    second.load_state_dict(first.state_dict())
    assert feed(second, 0.9, 3) == feed(first, 0.9, 3)
    assert first.state_dict() == second.state_dict()


@pytest.mark.parametrize("name", GAN_LOSSES)
def test_discriminator_accuracy_by_hand(name: str) -> None:
    gan = GAN_LOSSES[name]
    low, high = gan.boundary - 0.1, gan.boundary + 0.1
    real = [torch.tensor([high, high, high, low]), torch.tensor([high])]
    fake = [torch.tensor([low, high]), torch.tensor([low])]
    assert gan.accuracy(real, fake) == pytest.approx((0.75 + 1 + 0.5 + 1) / 4)
