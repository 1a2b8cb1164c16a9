from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ganstyle.errors import DataError, GanstyleError
from ganstyle.gui.context import StyleCatalog
from ganstyle.style import shipped_styles

CPU = torch.device("cpu")


def test_catalog_lists_shipped_styles() -> None:
    styles = StyleCatalog(None, CPU)
    assert styles.keys == list(shipped_styles())
    assert styles.first == styles.keys[0]
    assert styles["starry_night"].name == "starry_night"
    assert styles["starry_night"] is styles["starry_night"]


def test_catalog_of_own_folder(make_style: Callable[..., Path], tmp_path: Path) -> None:
    path = make_style("monet")
    for name in ("b/style", "b/best", "a"):
        target = tmp_path / f"{name}.safetensors"
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(path.read_bytes())
    (tmp_path / "torn.safetensors").write_bytes(b"torn")
    with pytest.warns(UserWarning, match=r"skipped: .*torn\.safetensors"):
        styles = StyleCatalog(tmp_path, CPU)
    assert styles.keys == [*shipped_styles(), "a", "b/best", "b"]
    assert styles["b"].name == "monet"


@pytest.mark.parametrize("key", ["/etc/passwd", "../starry_night", "", None])
def test_catalog_opens_no_paths(key: str | None, make_style: Callable[..., Path]) -> None:
    styles = StyleCatalog(None, CPU)
    with pytest.raises(GanstyleError, match="there is no style"):
        styles[key]
    with pytest.raises(GanstyleError, match="there is no style"):
        styles[str(make_style())]  # a path is no name, though a style lies there


def test_catalog_without_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no such folder"):
        StyleCatalog(tmp_path / "none", CPU)


def test_a_style_that_is_removed_is_named_by_its_key(make_style: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "my styles"
    folder.mkdir()
    path = make_style("monet").rename(folder / "mine.safetensors")
    styles = StyleCatalog(folder, CPU)
    path.unlink()
    with pytest.raises(GanstyleError, match=r"^style mine: cannot be loaded any more; choose another$"):
        styles["mine"]
