import errno
import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganstyle.data import fault_tolerance
from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.errors import DataError, ImageError


def reader(broken: set[int], calls: list[int]) -> Callable[[int], Tensor]:
    def read(index: int) -> Tensor:
        calls.append(index)
        if index in broken:
            raise ImageError(f"{index}.jpg: broken")
        return torch.full((3, 2, 2), index / 10)

    return read


def test_broken_image_is_replaced_with_one_warning() -> None:
    calls: list[int] = []
    images = FaultTolerantDataset(reader({1, 2, 5}, calls), 6, "photos")
    with pytest.warns(UserWarning, match=r"1\.jpg: broken") as caught:
        values = [round(float(images[i].mean()) * 10) for i in range(6)]
    assert values == [0, 3, 3, 3, 4, 0]
    assert len(caught) == 1
    calls.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(images[1].mean()) == pytest.approx(0.3)
    assert calls == [3]


def test_all_images_broken_is_an_error() -> None:
    images = FaultTolerantDataset(reader({0, 1}, []), 2, "photos")
    with pytest.warns(UserWarning, match="broken"), pytest.raises(DataError, match="none of the 2 images"):
        images[1]


@pytest.mark.parametrize("index", [-1, 2])
def test_index_out_of_range(index: int) -> None:
    with pytest.raises(IndexError, match="among 2"):
        FaultTolerantDataset(reader(set(), []), 2, "photos")[index]


def test_other_errors_are_not_hidden() -> None:
    def read(index: int) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        FaultTolerantDataset(read, 1, "photos")[0]


def failing(error: OSError, times: int, calls: list[int]) -> Callable[[int], Tensor]:
    """Return a reader that fails with ``error``, as `read_image` reports it, and recovers."""

    def read(index: int) -> Tensor:
        calls.append(index)
        if len(calls) <= times:
            try:
                raise error
            except OSError:
                raise ImageError(f"{index}.jpg: cannot be read") from None
        return torch.full((3, 2, 2), index / 10)

    return read


TRANSIENT = [errno.EIO, errno.ESTALE, errno.ENOENT, errno.ETIMEDOUT, errno.ENOTCONN, errno.EHOSTDOWN]


@pytest.mark.parametrize("number", TRANSIENT, ids=lambda number: errno.errorcode[number])
def test_transient_error_is_retried(number: int) -> None:
    calls: list[int] = []
    images = FaultTolerantDataset(failing(OSError(number, "gone"), 3, calls), 4, "photos")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(images[1].mean()) == pytest.approx(0.1)
    assert calls == [1, 1, 1, 1]
    assert images.broken == set()


def test_persistent_error_is_reported_and_retried_later() -> None:
    calls: list[int] = []
    error = OSError(errno.EIO, "bad sector")

    def read(index: int) -> Tensor:
        calls.append(index)
        if index == 1 and len(calls) < 1000:
            raise ImageError("1.jpg: bad sector") from error
        return torch.full((3, 2, 2), index / 10)

    images = FaultTolerantDataset(read, 4, "photos")
    with pytest.warns(UserWarning, match=r"1\.jpg: bad sector \(skipped"):
        assert float(images[1].mean()) == pytest.approx(0.2)
    calls += [0] * 1000
    assert float(images[1].mean()) == pytest.approx(0.1)


def test_many_missing_images_share_one_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    clock = [0.0]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(fault_tolerance, "sleep", sleep)
    monkeypatch.setattr(fault_tolerance, "monotonic", lambda: clock[0])
    images = FaultTolerantDataset(failing(FileNotFoundError(2, "no"), 10**6, []), 2000, "photos")
    with (
        pytest.warns(UserWarning, match="skipped"),
        pytest.raises(DataError, match="none of the 2000"),
    ):
        images[0]
    assert sum(slept) < 1
    assert len(slept) < 50


@pytest.mark.parametrize("number", [errno.EACCES, errno.ENOMEM, None], ids=str)
def test_other_errors_are_not_retried(number: int | None) -> None:
    calls: list[int] = []
    error = OSError("truncated") if number is None else OSError(number, "no")
    images = FaultTolerantDataset(failing(error, 1, calls), 4, "photos")
    with pytest.warns(UserWarning, match="skipped"):
        images[1]
    assert calls == [1, 2]
    assert images.broken == {1}


def test_unreachable_data_set_is_one_error_not_a_skip_of_everything() -> None:
    images = FaultTolerantDataset(
        failing(OSError(errno.ESTALE, "stale"), 10**6, []), 100, "photos", lambda index: False
    )
    with pytest.raises(
        DataError, match=r"^photos: cannot be reached, after 0 seconds.*0\.jpg.*disk available"
    ):
        images[0]
    assert images.broken == set()


def test_retry_wait_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(fault_tolerance.PATIENCE, "read", 9)
    clock = iter(range(100))
    monkeypatch.setattr(fault_tolerance, "monotonic", lambda: next(clock))
    images = FaultTolerantDataset(failing(OSError(errno.EIO, "gone"), 4, []), 4, "photos")
    with pytest.warns(UserWarning, match="cannot be read; retrying for a few seconds") as caught:
        images[0]
    assert len(caught) == 1


def test_number_of_skipped_images_is_reported_at_powers_of_ten() -> None:
    images = FaultTolerantDataset(reader(set(range(25)), []), 30, "photos")
    with pytest.warns(UserWarning, match="skipped") as caught:
        assert len([images[index] for index in range(30)]) == 30
    assert len(caught) == 2
    assert "photos: 10 of 30 images skipped so far; the last: 9.jpg: broken" in str(caught[1].message)
