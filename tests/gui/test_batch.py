import zipfile
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest
import torch

from ganstyle.gui.batch import BatchItem, paint_batch
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.inputs import Upload
from ganstyle.gui.sessions import JobStopped
from ganstyle.images import read_image
from ganstyle.style import load_style
from ganstyle.stylize import Controls


@pytest.fixture
def styles(make_style: Callable[..., Path], tmp_path: Path) -> StyleCatalog:
    (tmp_path / "styles").mkdir()
    for name in ("mine", "other"):
        make_style(name).rename(tmp_path / "styles" / f"{name}.safetensors")
    return StyleCatalog(tmp_path / "styles", torch.device("cpu"))


def test_paint_batch(styles: StyleCatalog, photos: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("no picture")
    items = [
        BatchItem(Upload(photos / "a.png", "a.png"), "mine", "a.png"),
        BatchItem(Upload(bad, "bad.jpg"), "mine", "bad.jpg"),
        BatchItem(Upload(photos / "a.png", "a.png"), "other", "a.png"),
    ]
    reports: list[tuple[str, float, dict[Path, str]]] = []
    archive = tmp_path / "out" / "all.zip"
    archive.parent.mkdir()
    result = paint_batch(items, styles, Controls(0.5), archive, Event(), reports.append)
    assert [(path.name, style) for path, style in result.done.items()] == [
        ("a.png", "mine"),
        ("a (2).png", "other"),
    ]
    assert len(result.skipped) == 1
    assert result.skipped[0].startswith("bad.jpg: not an image")
    shares = [share for _, share, _ in reports]
    assert shares == sorted(shares)
    assert reports[0][0] == "a.png in the style mine …"
    assert reports[-1][2] == {archive.with_name("a.png"): "mine"}
    with zipfile.ZipFile(archive) as file:
        assert file.namelist() == ["a.png", "a (2).png"]
        assert file.read("a.png") == archive.with_name("a.png").read_bytes()
    for path, name in result.done.items():
        style = load_style(tmp_path / "styles" / f"{name}.safetensors")
        expected = style.paint(read_image(photos / "a.png"), Controls(0.5))
        assert (read_image(path) - expected).abs().max() < 0.01


@pytest.mark.parametrize("missing", ["mine", "other"])
def test_paint_batch_skips_a_style_that_fails(
    styles: StyleCatalog, photos: Path, tmp_path: Path, missing: str
) -> None:
    """It is reported once, and the other pictures keep their styles."""
    (tmp_path / "styles" / f"{missing}.safetensors").write_text("no style any more")
    kept = next(name for name in ("mine", "other") if name != missing)
    photo = Upload(photos / "a.png", "a.png")
    items = [
        BatchItem(photo, name, f"{name}-{number}.png") for number in range(2) for name in ("mine", "other")
    ]
    result = paint_batch(items, styles, Controls(), tmp_path / "all.zip", Event(), lambda _: None)
    assert result.done == {tmp_path / f"{kept}-{number}.png": kept for number in range(2)}
    assert result.skipped == [f"style {missing}: cannot be loaded any more; choose another"]


def test_stopped_batch_leaves_no_archive(styles: StyleCatalog, photos: Path, tmp_path: Path) -> None:
    stop = Event()
    items = [BatchItem(Upload(photos / "a.png", "a.png"), "mine", f"{number}.png") for number in range(3)]

    def report(event: tuple[str, float, dict[Path, str]]) -> None:
        if event[2]:
            stop.set()

    with pytest.raises(JobStopped):
        paint_batch(items, styles, Controls(), tmp_path / "all.zip", stop, report)
    assert not (tmp_path / "all.zip").exists()
