"""Langevin dynamics: gradient descent with noise, which samples pictures instead of seeking the best one."""

import math
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ganstyle.gatys.optimizers.base import Optimizer, Point, Problem

_ACCEPTANCE = 0.574  # the best rate for MALA in many dimensions (Roberts & Rosenthal 1998)
_MAX_FAILURES = 8
_MEMORY = 0.99  # of the squared gradients' average


@dataclass(eq=False)
class Langevin(Optimizer):
    """Stochastic gradient Langevin dynamics (Welling & Teh 2011, equation 4) of exp(−f / T), cooled down.

    A step is ``x ← x − ε·M·∇f(x) + √(2·ε·M·T)·ξ`` with a diagonal M, the inverse root mean square of recent
    gradients (Li et al. 2016, algorithm 1, without its Γ as they advise). Step size and temperature fall as
    the budget is spent, ε with ``(1 − spent)^(cooling/2)`` and T with ``(1 − spent)^cooling``, so that the
    samples settle in a minimum: simulated annealing that sees the gradient.

    With ``metropolis`` each step of the second half is a proposal, accepted or rejected so that the samples
    have exactly the density wanted at that temperature (MALA: Roberts & Tweedie 1996, section 1.4). M is
    then held, and ε is adapted to an acceptance of 0.574. The first half stays as it is, since far from
    equilibrium nearly every proposal is rejected.

    The defaults are in the middle of a plateau: on two photo–painting pairs at 128 px, 100 evaluations, every
    ε from 0.03 to 0.08 and T from 0.005 to 0.05 end within 6 % of them; L-BFGS ends 26 % and 7 % lower.

    At the box's faces the path is reflected, which keeps the density exact where projection would pile up
    samples on the faces. A step that is not finite is taken back and halves the step size.

    Args:
        problem: what is minimized.
        x: the start (n,).
        lr: ε at the start: how far M's unit step goes, in the unit of the coordinates.
        temperature: T at the start, as the mean rise of f above the minimum that it brings about: n·T/2,
            where f is quadratic.
        cooling: exponent of the schedule; 0 keeps step size and temperature as they are.
        precondition: False makes M the identity.
        metropolis: whether to adjust.
        seed: of the noise.
    """

    deterministic: ClassVar[bool] = False
    scheduled: ClassVar[bool] = True

    problem: Problem
    x: Tensor
    _: KW_ONLY
    lr: float = 0.05
    temperature: float = 0.02
    cooling: float = 1.0
    precondition: bool = True
    metropolis: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        self.heat = 2 * self.temperature / len(self.x)
        self.generator = torch.Generator(self.x.device).manual_seed(self.seed)
        self.z = self.problem.project(self.x)  # unfolded: see _evaluate
        self.loss, self.gradient = math.nan, torch.empty(0)
        self.square = torch.zeros_like(self.x)
        self.count, self.failures = 0, 0

    def step(self) -> Point | None:
        """Do one step; the first only evaluates the start."""
        if math.isnan(self.loss):
            self.loss, self.gradient = self._evaluate(self.z)
            return Point(self._fold(self.z)[0], self.loss)
        left = 1 - self.problem.spent()
        rate, heat = self.lr * left ** (self.cooling / 2), self.heat * left**self.cooling
        adjust = self.metropolis and left <= 0.5 + 1e-9
        scale = rate * self._metric(frozen=adjust)
        noise = torch.randn(self.z.shape, generator=self.generator, device=self.z.device)
        z = self.z - scale * self.gradient + (2 * heat * scale).sqrt() * noise
        loss, gradient = self._evaluate(z)
        if not (math.isfinite(loss) and bool(gradient.isfinite().all())):
            return self._retreat()
        self.failures = 0
        if adjust and heat > 0:
            chance = self._log_acceptance(z, loss, gradient, scale, heat)
            accepted = math.log(float(torch.rand((), generator=self.generator, device=z.device))) < chance
            self.lr *= math.exp(0.1 * (min(1.0, math.exp(min(chance, 0.0))) - _ACCEPTANCE))
            if not accepted:
                return Point(self._fold(self.z)[0], self.loss)
        self.z, self.loss, self.gradient = z, loss, gradient
        return Point(self._fold(z)[0], loss)

    def _metric(self, *, frozen: bool) -> Tensor:
        """Return M's diagonal."""
        if not self.precondition:
            return torch.ones_like(self.z)
        if not frozen or not self.count:
            self.count += 1
            self.square.lerp_(self.gradient.square(), 1 - _MEMORY)
        mean = self.square / (1 - _MEMORY**self.count)
        # A floor for coordinates whose gradient has been next to nothing: they must not fly off.
        return 1 / (mean + 0.01 * mean.mean() + 1e-30).sqrt()

    def _log_acceptance(self, z: Tensor, loss: float, gradient: Tensor, scale: Tensor, heat: float) -> float:
        """Return the logarithm of Metropolis and Hastings' ratio, for a proposal z."""
        there = (z - self.z + scale * self.gradient).double().square() / (4 * heat * scale)
        back = (self.z - z + scale * gradient).double().square() / (4 * heat * scale)
        return (self.loss - loss) / heat + float((there - back).sum())

    def _evaluate(self, z: Tensor) -> tuple[float, Tensor]:
        """Return f and its gradient at an unfolded point: beyond each face lies the box's mirror image."""
        x, sign = self._fold(z)
        loss, gradient = self.problem.value_and_grad(x)
        return loss, gradient * sign

    def _fold(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return the point of the box that z is an image of, and the derivative of one by the other, ±1."""
        low, high = self.problem.lower, self.problem.upper
        if math.isinf(low) or math.isinf(high):
            return self.problem.project(z), torch.ones_like(z)
        t = ((z - low) / (high - low)).remainder(2)
        sign = torch.where(t > 1, -1.0, 1.0)
        return low + (high - low) * torch.where(t > 1, 2 - t, t), sign

    def _retreat(self) -> Point | None:
        self.failures += 1
        if self.failures > _MAX_FAILURES or not math.isfinite(self.loss):
            return None
        self.lr /= 2
        self.problem.note(f"a step was not finite: taken back, and the step size halved to {self.lr:.2g}")
        return Point(self._fold(self.z)[0], self.loss)
