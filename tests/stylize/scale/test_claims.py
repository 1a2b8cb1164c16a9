import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from ganstyle.errors import GanstyleError
from ganstyle.stylize.scale.claims import Claims

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")


def elsewhere(function: Callable[[], object]) -> object:
    """Call a function in another process, which then ends without any cleaning up."""
    here, there = multiprocessing.get_context("fork").Pipe(duplex=False)
    process = os.fork()
    if process == 0:
        there.send(function())
        os.kill(os.getpid(), signal.SIGKILL)
    result = here.recv()
    os.waitpid(process, 0)
    return result


def test_claim_has_one_owner(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    claims = Claims(path)
    assert claims.take("a")
    assert claims.take("a")
    assert elsewhere(lambda: [Claims(path).take(name) for name in ("a", "b", "\udcff")]) == [
        False,
        True,
        True,
    ]
    claims.release("a")
    assert elsewhere(lambda: Claims(path).take("a")) is True
    claims.close()


def test_a_killed_process_loses_its_claims(tmp_path: Path) -> None:
    path = tmp_path / "claims"
    claims = Claims(path)
    assert elsewhere(lambda: Claims(path).take("a")) is True
    assert claims.take("a")
    claims.close()


def test_last_process_deletes_the_claims_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "claims"
    claims = Claims(path)

    def other() -> bool:
        mine = Claims(path)
        mine.close()
        return path.exists()

    assert elsewhere(other) is True
    claims.close()
    assert not path.exists()


def test_claims_in_a_read_only_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(GanstyleError, match="cannot be written"):
        Claims(tmp_path / "file" / "claims")
