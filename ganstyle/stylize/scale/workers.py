"""Which of several processes this one is, and which share of the work is its own."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ganstyle.errors import GanstyleError

# The names that Accelerate looks for: torchrun's, then those of MPI's launchers.
_RANK = ("RANK", "PMI_RANK", "OMPI_COMM_WORLD_RANK", "MV2_COMM_WORLD_RANK")
_WORLD = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_LOCAL_RANK = ("LOCAL_RANK", "MPI_LOCALRANKID", "OMPI_COMM_WORLD_LOCAL_RANK", "MV2_COMM_WORLD_LOCAL_RANK")
_LOCAL_WORLD = (
    "LOCAL_WORLD_SIZE",
    "MPI_LOCALNRANKS",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "MV2_COMM_WORLD_LOCAL_SIZE",
)
_LAUNCH = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT", "SLURM_JOB_ID")


@dataclass(frozen=True)
class Worker:
    """One of the processes that share a collection. They never wait for each other.

    Attributes:
        rank: which one, from 0.
        world: how many there are.
        local_rank: which one on this machine.
        local_world: how many there are on this machine.
        launch: the same text for all processes of one launch, and most likely another for the next launch.
        supervised: whether a launcher ends the other processes when this one exits with an error.
    """

    rank: int = 0
    world: int = 1
    local_rank: int = 0
    local_world: int = 1
    launch: str = ""
    supervised: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Worker":
        """Read what ``accelerate launch``, ``torchrun`` or MPI tell their processes.

        By hand, set ``RANK`` and ``WORLD_SIZE``.

        No process group is started: a process that dies must not stop the others.

        Raises:
            GanstyleError: the variables hold no numbers, or a rank that does not exist.
        """
        given = os.environ if environment is None else environment
        rank, world = _number(given, _RANK, 0), _number(given, _WORLD, 1)
        if not 0 <= rank < world:
            raise GanstyleError(f"RANK={rank}, WORLD_SIZE={world}: ranks go from 0 to WORLD_SIZE - 1")
        supervised = "TORCHELASTIC_RUN_ID" in given
        known = [given.get(name, "") for name in _LAUNCH]
        if supervised and _number(given, _LOCAL_WORLD, 1) == world:  # all have the same parent process
            known.append(str(os.getppid()))
        local_rank, local_world = _number(given, _LOCAL_RANK, 0), _number(given, _LOCAL_WORLD, 1)
        return cls(rank, world, local_rank, local_world, "/".join(known), supervised)

    def share(self, count: int) -> Iterator[int]:
        """Yield which of ``count`` things are this worker's: every ``world``-th one."""
        yield from range(self.rank, count, self.world)

    def others(self, count: int) -> Iterator[int]:
        """Yield the rest, for when this worker's share is done.

        Each share comes from its end, since its owner works from its beginning; and each worker begins with
        another one's, so that they do not all help the same.
        """
        for distance in range(1, self.world):
            owner = (self.rank + distance) % self.world
            yield from reversed(range(owner, count, self.world))

    def device(self, name: str) -> str:
        """Return which device to ask for: on a machine with several GPUs, each process takes its own."""
        if self.world == 1 or name not in ("auto", "cuda"):
            return name
        import torch

        return f"cuda:{self.local_rank % torch.cuda.device_count()}" if torch.cuda.is_available() else name


def _number(environment: Mapping[str, str], names: tuple[str, ...], default: int) -> int:
    name = next((name for name in names if environment.get(name)), None)
    if name is None:
        return default
    try:
        return int(environment[name])
    except ValueError:
        raise GanstyleError(f"{name}={environment[name]}: give a whole number") from None
