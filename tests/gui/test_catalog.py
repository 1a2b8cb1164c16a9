from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganstyle.errors import DataError, GanstyleError
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.style import shipped_styles

CPU = torch.device("cpu")


def test_what_ships() -> None:
    shelf = StyleCatalog(None, CPU)
    assert shelf.keys == list(shipped_styles())
    assert shelf.first == shelf.keys[0]
    assert shelf["starry_night"].name == "starry_night"
    assert shelf["starry_night"] is shelf["starry_night"]


def test_a_folder_of_ones_own(make_style: Callable[..., Path], tmp_path: Path) -> None:
    path = make_style("monet")
    for name in ("b/style", "b/best", "a"):
        target = tmp_path / f"{name}.safetensors"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    with pytest.warns(UserWarning, match=r"left out: .*torn\.safetensors"):
        shelf = StyleCatalog(tmp_path, CPU)
    assert shelf.keys == [*shipped_styles(), "a", "b/best", "b"]
    assert shelf["b"].name == "monet"


@pytest.mark.parametrize("key", ["/etc/passwd", "../starry_night", "", None])
def test_only_what_is_listed(key: str | None, make_style: Callable[..., Path]) -> None:
    shelf = StyleCatalog(None, CPU)
    with pytest.raises(GanstyleError, match="there is no style"):
        shelf[key]
    with pytest.raises(GanstyleError, match="there is no style"):
        shelf[str(make_style())]  # a path is no name, though a style lies there


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        StyleCatalog(tmp_path / "none", CPU)
