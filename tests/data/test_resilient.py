import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ganstyle.data.resilient import Readable
from ganstyle.errors import DataError, ImageError


def reader(broken: set[int], calls: list[int]) -> Callable[[int], Tensor]:
    def read(index: int) -> Tensor:
        calls.append(index)
        if index in broken:
            raise ImageError(f"{index}.jpg: broken")
        return torch.full((3, 2, 2), index / 10)

    return read


def test_broken_images_give_way_to_the_next_good_one_with_one_warning() -> None:
    calls: list[int] = []
    images = Readable(reader({1, 2, 5}, calls), 6, "photos")
    with pytest.warns(UserWarning, match=r"1\.jpg: broken") as caught:
        values = [round(float(images[i].mean()) * 10) for i in range(6)]
    assert values == [0, 3, 3, 3, 4, 0]
    assert len(caught) == 1
    calls.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(images[1].mean()) == pytest.approx(0.3)
    assert calls == [3]


def test_nothing_but_broken_images_is_an_error() -> None:
    images = Readable(reader({0, 1}, []), 2, "photos")
    with pytest.warns(UserWarning, match="broken"), pytest.raises(DataError, match="none of the 2 images"):
        images[1]


@pytest.mark.parametrize("index", [-1, 2])
def test_index_out_of_range(index: int) -> None:
    with pytest.raises(IndexError, match="among 2"):
        Readable(reader(set(), []), 2, "photos")[index]


def test_other_errors_are_not_hidden() -> None:
    def read(index: int) -> Tensor:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Readable(read, 1, "photos")[0]
