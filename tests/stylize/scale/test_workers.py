import os

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.stylize.scale.workers import Worker

TORCHRUN = {
    "RANK": "3",
    "WORLD_SIZE": "4",
    "LOCAL_RANK": "1",
    "LOCAL_WORLD_SIZE": "2",
    "TORCHELASTIC_RUN_ID": "none",
    "MASTER_PORT": "29500",
}


def test_single_worker_without_a_launcher() -> None:
    assert Worker.from_environment({}).world == 1
    assert list(Worker().share(3)) == [0, 1, 2]
    assert list(Worker().others(3)) == []


def test_worker_rank_from_launcher_environment() -> None:
    worker = Worker.from_environment(TORCHRUN)
    assert (worker.rank, worker.world, worker.local_rank, worker.local_world) == (3, 4, 1, 2)
    assert worker.supervised
    mpi = Worker.from_environment({"OMPI_COMM_WORLD_RANK": "1", "OMPI_COMM_WORLD_SIZE": "2"})
    assert (mpi.rank, mpi.world, mpi.supervised) == (1, 2, False)


def test_launches_have_different_ids() -> None:
    def launch(**changes: str) -> str:
        return Worker.from_environment(TORCHRUN | changes).launch

    assert launch() == launch(RANK="0", LOCAL_RANK="0")
    assert launch() != launch(MASTER_PORT="29501")
    assert launch() != launch(TORCHELASTIC_RESTART_COUNT="1")
    assert str(os.getppid()) in launch(LOCAL_WORLD_SIZE="4")


@pytest.mark.parametrize(
    "environment",
    [
        {"RANK": "4", "WORLD_SIZE": "4"},
        {"RANK": "-1", "WORLD_SIZE": "4"},
        {"RANK": "1"},
        {"RANK": "x", "WORLD_SIZE": "4"},
        {"RANK": "0", "WORLD_SIZE": "0"},
    ],
)
def test_invalid_launcher_environment_is_one_line(environment: dict[str, str]) -> None:
    with pytest.raises(GanstyleError, match=r"RANK|WORLD_SIZE"):
        Worker.from_environment(environment)


@pytest.mark.parametrize("world", [1, 2, 5, 64])
@pytest.mark.parametrize("count", [0, 1, 7, 130])
def test_worker_shares_cover_every_item_once(world: int, count: int) -> None:
    shares = [list(Worker(rank, world).share(count)) for rank in range(world)]
    assert sorted(index for share in shares for index in share) == list(range(count))
    for rank, share in enumerate(shares):
        assert sorted([*share, *Worker(rank, world).others(count)]) == list(range(count))


def test_worker_help_order() -> None:
    assert [next(Worker(rank, 3).others(9)) for rank in range(3)] == [7, 8, 6]
