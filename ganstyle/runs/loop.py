"""Everything around the steps of a training: data, interruption, divergence, saving and failures."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from torch import Tensor

from ganstyle.data.training import SeededDataset
from ganstyle.runs.guard import Guard
from ganstyle.runs.inputs import TrainingInputs
from ganstyle.runs.interrupt import Interrupt
from ganstyle.runs.launch import start_loader
from ganstyle.runs.resume import claim_folder, how_to_continue
from ganstyle.runs.run import Run, RunState
from ganstyle.runs.snapshot import copy_state, find_not_finite
from ganstyle.runs.state import check_agreement
from ganstyle.runs.writer import RunOutput, RunWriter

Batch = dict[str, Tensor]

_REMEMBER_EVERY = 500  # steps, if no state is saved sooner


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
        end: the step that it ends with.
        data: what is drawn; the order continues from phase to phase.
        label: a short description, for messages.
    """

    end: int
    data: SeededDataset
    label: str = field(default="", kw_only=True)


AnyPhase = TypeVar("AnyPhase", bound=Phase)


@dataclass(frozen=True)
class RunResult:
    """How a run ended.

    Attributes:
        step: steps done.
        finished: False if it was interrupted.
        scores: the last scores, if any were taken.
    """

    step: int
    finished: bool
    scores: Mapping[str, float] = field(default_factory=dict)


class RunLoop:
    """Feeds the steps of a training with batches, and saves the results.

    A training is written as::

        loop = RunLoop(run, state, guard, output, inputs=inputs)
        with loop.recording():
            for phase, batches in loop.steps(phases):
                loop.end_step([learn(batch) for batch in batches])  # each network through guard.update
        return loop.result()

    All processes call its methods together.

    Args:
        run: the run.
        state: everything that a step changes.
        guard: takes every network's optimizer steps.
        output: of the training.
        inputs: what it learns from; saved with every state.
        images_per_batch: images per process and batch, for the speed; None: the batch size.
    """

    def __init__(
        self,
        run: Run,
        state: RunState,
        guard: Guard,
        output: RunOutput,
        *,
        inputs: TrainingInputs,
        images_per_batch: int | None = None,
    ) -> None:
        self._run = run
        self._state = state
        self._guard = guard
        self._output = output
        self._inputs = inputs.state_dict()
        self._processes = run.accelerator.num_processes
        self._accumulate = run.accelerator.gradient_accumulation_steps
        images = (images_per_batch or run.recipe.batch_size) * self._accumulate * self._processes
        self._writer = RunWriter(run, state, output, images_per_step=images)
        self._interrupt = Interrupt(run.accelerator)
        self._completed = self._good = self._values()
        self._stopped = self._went_back = False
        self._began = 0.0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Claim the run's folder and open its files.

        If the block fails, the state of the last completed step is saved first, unless saving is what failed.
        """
        run = self._run
        if run.accelerator.is_main_process:
            claim_folder(run.recipe, run.resume_from, run.say)
        with closing(self._writer), self._interrupt:
            try:
                self._writer.begin(self._completed)
                yield
            except Exception:
                self._rescue()
                raise

    def steps(self, phases: Sequence[AnyPhase]) -> Iterator[tuple[AnyPhase, list[Batch]]]:
        """Yield each step's phase and its batches on the device, until the run is finished or interrupted.

        Args:
            phases: in order; the last one ends with the training.
        """
        while not self._over:
            phase = next(phase for phase in phases if phase.end > self._state.step)
            if len(phases) > 1:
                self._run.say(f"up to step {phase.end}: {phase.label}")
            for batches in self._draw(phase):
                yield phase, batches

    def end_step(
        self, logs: Sequence[Mapping[str, Tensor]], others: Mapping[str, float] | None = None
    ) -> None:
        """Finish a step: check it, and log, sample, score and save if due.

        Args:
            logs: what was measured on each of the step's batches: scalars by TensorBoard name.
            others: further values to log, the same on every process.
        """
        run, state = self._run, self._state
        state.step += 1
        state.photos += run.recipe.batch_size * self._accumulate * self._processes
        state.seconds += time.perf_counter() - self._began
        self._stopped = self._interrupt.requested()
        problem = self._guard.end_step(run.say, step=state.step, steps=run.recipe.steps)
        saving = self._writer.saves_now(stopping=self._stopped, healthy=self._guard.healthy)
        remembering = self._guard.healthy and (saving or state.step % _REMEMBER_EVERY == 0)
        if problem is None and (saving or remembering):
            problem = self._find_problem()
        if problem is not None:
            self._go_back(problem)
            return
        self._completed = self._values()
        self._writer.log_step(logs, {**self._guard.counts(), **(others or {})})
        self._writer.after_step(self._completed, saving=saving, stopping=self._stopped)
        if remembering:
            self._good = self._completed

    def result(self) -> RunResult:
        """Report and return how the run ended.

        Raises:
            RunError: the processes' weights differ.
        """
        run, step, scores = self._run, self._state.step, self._writer.last_scores
        if self._processes > 1:
            check_agreement(run.accelerator, self._state.network, step)
            run.say(f"all {self._processes} processes hold the same weights")
        finished = step >= run.recipe.steps
        if finished:
            # Those of single layers, such as features/relu1_2, are too many for a line.
            measured = "".join(f", {name} {value:.3f}" for name, value in scores.items() if "/" not in name)
            run.say(f"done: {self._output.path} after {step} steps{measured}")
        else:
            run.say(f"stopped at step {step}; {how_to_continue(run.recipe)}")
        return RunResult(step, finished, scores)

    @property
    def _over(self) -> bool:
        return self._stopped or self._state.step >= self._run.recipe.steps

    def _draw(self, phase: Phase) -> Iterator[list[Batch]]:
        """Yield the batches of each step, as long as the state is within the phase."""
        run, state = self._run, self._state
        loader = iter(start_loader(phase.data, run.recipe, run.accelerator, photos=state.photos))
        self._went_back = False
        while state.step < phase.end and not self._over and not self._went_back:
            self._began = time.perf_counter()
            # All batches of a step before any computation, so that a failure to read leaves a whole state.
            drawn = [next(loader) for _ in range(self._accumulate)]
            yield [
                {key: value.to(run.accelerator.device, non_blocking=True) for key, value in batch.items()}
                for batch in drawn
            ]

    def _values(self) -> dict[str, Any]:
        """Return a copy of this process's state, with the guard's, and what it learns from."""
        values = self._state.state_dict(self._run.accelerator)
        others = {"guard": self._guard.state_dict(), "inputs": self._inputs}
        copied: dict[str, Any] = copy_state(values | others)
        return copied

    def _find_problem(self) -> str | None:
        """Return what is not finite in the state or the output, on any process, or None."""
        accelerator = self._run.accelerator
        name = find_not_finite(self._state.state_dict(accelerator))
        problem = f"the {name.replace('_', ' ')} is not finite" if name else self._output.find_problem()
        if self._processes > 1:
            flag = torch.tensor(float(problem is not None), device=accelerator.device)
            if accelerator.reduce(flag) > 0 and problem is None:
                problem = "another process's state is not finite"
        return problem

    def _go_back(self, problem: str) -> None:
        """Return to the last good state, or give up."""
        self._completed = self._good  # what is saved if the guard gives up
        line = self._guard.go_back(problem, step=self._state.step, good=self._good["step"])
        self._state.load_state_dict(self._run.accelerator, copy_state(self._good))
        self._completed = self._values()
        self._went_back = True
        self._writer.go_back(self._completed, stopping=self._stopped)
        self._run.say(line)

    def _rescue(self) -> None:
        """Save the last completed step without the other processes; errors must not hide the failure."""
        if self._processes > 1 and not self._state.replicated:
            return
        with suppress(Exception):
            if self._writer.rescue(self._completed):
                step = self._completed["step"]
                self._run.say(f"the state of step {step} is saved; {how_to_continue(self._run.recipe)}")
