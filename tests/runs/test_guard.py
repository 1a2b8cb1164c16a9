import math
from dataclasses import dataclass

import pytest
import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import Tensor, nn
from torch.optim import SGD

from ganstyle.errors import RunError
from ganstyle.recipe import GuardSection
from ganstyle.runs.guard import Guard
from ganstyle.runs.launch import start_accelerator


@dataclass
class Learner:
    """A network of one weight, 1 at first, that learns with a rate of 1."""

    name: str
    network: nn.Module
    optimizer: AcceleratedOptimizer

    @property
    def weight(self) -> float:
        return next(self.network.parameters()).item()


def prepare(accelerator: Accelerator, name: str) -> Learner:
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    return Learner(name, *accelerator.prepare(network, SGD(network.parameters(), lr=1.0)))


def learn(guard: Guard, learner: Learner, slope: float, *, offset: float = 0.0) -> dict[str, Tensor]:
    """Let one network learn from a loss of this slope."""
    loss = slope * learner.network(torch.ones(1, 1)).sum() + offset
    return guard.update(learner.name, learner.network, learner.optimizer, loss)


class Pair:
    """A discriminator and a generator that take their steps in turn, as in the training loop."""

    def __init__(self, *, accumulate: int = 1, scale: float | None = None, **settings: int) -> None:
        self.accelerator = start_accelerator("fp32", accumulate=accumulate)
        if scale is not None:
            self.accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=scale)
        self.guard = Guard(self.accelerator, GuardSection(**settings), clip=1e9)
        self.d = prepare(self.accelerator, "discriminator")
        self.g = prepare(self.accelerator, "generator")
        self.said: list[str] = []
        self.steps_done = 0

    def step(self, *batches: tuple[float, float], steps: int = 1000) -> str | None:
        """Take a step on batches, each the slopes of the discriminator's and of the generator's loss."""
        for d, g in batches:
            with self.accelerator.accumulate(self.d.network, self.g.network):
                learn(self.guard, self.d, d)
                learn(self.guard, self.g, g)
        self.steps_done += 1
        return self.guard.end_step(self.said.append, step=self.steps_done, steps=steps)


def test_update_steps_and_clips() -> None:
    pair = Pair()
    guard = Guard(pair.accelerator, GuardSection(), clip=0.5)
    with pair.accelerator.accumulate(pair.g.network):
        log = learn(guard, pair.g, 4.0)
    assert {name: float(value) for name, value in log.items()} == {"gradient/generator": 4.0}
    assert pair.g.weight == pytest.approx(0.5)


def test_no_step_while_gradients_are_accumulated() -> None:
    pair = Pair(accumulate=2)
    with pair.accelerator.accumulate(pair.g.network):
        assert learn(pair.guard, pair.g, 1.0) == {}
    assert pair.g.weight == 1.0
    with pair.accelerator.accumulate(pair.g.network):
        assert learn(pair.guard, pair.g, 3.0).keys() == {"gradient/generator"}
    assert pair.g.weight == 1.0 - 2.0


@pytest.mark.parametrize("accumulate", [1, 2, 4])
@pytest.mark.parametrize("scale", [2.0, 2.0**16])
def test_fp16_gradients_are_unscaled_once(accumulate: int, scale: float) -> None:
    """A mean gradient of 2 must arrive as 2, whatever the discriminator's step does in between."""
    pair = Pair(accumulate=accumulate, scale=scale)
    pair.step(*[(1.0, 2.0)] * accumulate)
    assert (pair.d.weight, pair.g.weight) == (0.0, -1.0)
    pair.step(*[(1.0, 2.0)] * accumulate)
    assert (pair.d.weight, pair.g.weight) == (-1.0, -3.0)


def test_fp16_overflow_of_the_discriminator_leaves_the_generator_alone() -> None:
    pair = Pair(accumulate=2, scale=1024.0)
    assert pair.step((1.0, 2.0), (math.inf, 2.0)) is None
    assert (pair.d.weight, pair.g.weight) == (1.0, -1.0)
    assert pair.accelerator.scaler is not None
    assert pair.accelerator.scaler.get_scale() == 512.0
    assert pair.guard.counts() == {"skipped/discriminator": 1.0, "skipped/generator": 0.0}


def test_fp16_scale_is_updated_once_a_step() -> None:
    pair = Pair(scale=1024.0)
    pair.step((math.nan, math.nan))
    assert pair.accelerator.scaler is not None
    assert pair.accelerator.scaler.get_scale() == 512.0


def test_fp16_skipped_steps_are_counted_and_end_in_divergence() -> None:
    pair = Pair(scale=1024.0, patience=6)
    problems = [pair.step((1.0, math.inf)) for _ in range(6)]
    assert problems[:5] == [None] * 5
    assert problems[5] is not None
    assert "generator" in problems[5]
    assert len(pair.said) == 1  # the fifth; a scale is found by overflowing


@pytest.mark.parametrize("slope", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("bad", ["discriminator", "generator"])
def test_each_network_is_counted_on_its_own(bad: str, slope: float) -> None:
    pair = Pair(patience=3)
    slopes = (slope, 1.0) if bad == "discriminator" else (1.0, slope)
    assert pair.step(slopes) is None
    assert pair.step(slopes) is None
    assert not pair.guard.healthy
    problem = pair.step(slopes)
    assert problem == f"the {bad}'s loss or gradient was not finite for 3 steps in a row"
    one, other = (pair.d, pair.g) if bad == "discriminator" else (pair.g, pair.d)
    assert (one.weight, other.weight) == (1.0, -2.0)
    assert pair.guard.counts() == {f"skipped/{one.name}": 3.0, f"skipped/{other.name}": 0.0}
    assert pair.said == [f"step 1: the {bad}'s loss or gradient is not finite; its step is skipped"]


def test_good_step_resets_the_skip_count() -> None:
    pair = Pair(patience=2)
    for _ in range(3):
        assert pair.step((1.0, math.nan)) is None
        assert pair.step((1.0, 1.0)) is None
        assert pair.guard.healthy
    assert pair.guard.counts()["skipped/generator"] == 3.0


def test_loss_that_is_not_finite_with_a_gradient_that_is() -> None:
    pair = Pair()
    with pair.accelerator.accumulate(pair.g.network):
        learn(pair.guard, pair.g, 1.0, offset=math.inf)
    assert pair.g.weight == 1.0
    assert not pair.guard.healthy


def test_bad_batch_skips_the_accumulated_step() -> None:
    pair = Pair(accumulate=2)
    pair.step((1.0, math.nan), (1.0, 1.0))
    assert (pair.d.weight, pair.g.weight) == (0.0, 1.0)
    pair.step((1.0, 1.0), (1.0, 1.0))
    assert pair.g.weight == 0.0


@pytest.mark.parametrize(("steps", "few"), [(1000, 3), (2, 2), (1, 1)])
def test_skipped_last_steps_are_divergence(steps: int, few: int) -> None:
    pair = Pair(patience=20)
    pair.steps_done = steps - few
    for step in range(few):
        problem = pair.step((1.0, math.nan), steps=steps)
        assert (problem is not None) is (step == few - 1)


def test_single_overflow_at_the_end_is_no_divergence() -> None:
    pair = Pair()
    pair.steps_done = 998
    assert pair.step((1.0, 1.0)) is None
    assert pair.step((1.0, math.nan)) is None


def test_rollback_lowers_the_learning_rate_until_it_stops() -> None:
    pair = Pair(patience=2, returns=2)
    for number in (1, 2):
        assert pair.step((1.0, math.nan)) is None
        problem = pair.step((1.0, math.nan))
        assert problem is not None
        line = pair.guard.go_back(problem, step=9, good=5)
        assert "back to step 5" in line
        assert f"{number} of 2" in line
        assert pair.guard.learning_rate_factor == 0.5**number
        assert pair.guard.healthy
    with pytest.raises(
        RunError, match=r"step 9: why, after 2 returns .*0\.25 of .*lower optimizer\.lr"
    ) as caught:
        pair.guard.go_back("why", step=9, good=5)
    assert "\n" not in str(caught.value)


def test_skip_counts_are_saved_and_loaded() -> None:
    pair = Pair(patience=3)
    pair.step((1.0, math.nan))
    pair.guard.go_back("why", step=1, good=0)
    pair.step((1.0, math.nan))
    other = Pair(patience=3)
    other.guard.load_state_dict(pair.guard.state_dict())
    assert other.guard.counts() == {"skipped/discriminator": 0.0, "skipped/generator": 2.0}
    assert other.guard.learning_rate_factor == 0.5
    assert other.step((1.0, math.nan)) is None
    assert other.step((1.0, math.nan)) is not None  # the row goes on
