import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import pytest
import torch
from torch import Tensor

from ganstyle.composed import blend
from ganstyle.errors import DataError, GanstyleError, ImageError
from ganstyle.gui import catalog
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.inputs import Upload
from ganstyle.images import read_image
from ganstyle.style import Style, load_style, shipped_styles, style_from

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
    (tmp_path / "loop.safetensors").symlink_to(tmp_path / "loop.safetensors")
    with (
        pytest.warns(UserWarning, match=r"skipped: .*loop\.safetensors"),
        pytest.warns(UserWarning, match=r"skipped: .*torn\.safetensors"),
    ):
        styles = StyleCatalog(tmp_path, CPU)
    assert styles.keys == [*shipped_styles(), "a", "b/best", "b"]
    assert styles["b"].name == "monet"


def test_styles_of_one_name_are_all_offered(make_style: Callable[..., Path], tmp_path: Path) -> None:
    folder, runs = tmp_path / "mine", tmp_path / "runs"
    files = [folder / f"{name}.safetensors" for name in ("wave", "b/style", "b")] + [
        runs / name / "style.safetensors" for name in ("wave", "b")
    ]
    for number, target in enumerate(files):
        target.parent.mkdir(parents=True, exist_ok=True)
        make_style(f"style{number}").rename(target)
    (folder / "starry_night.safetensors").symlink_to(shipped_styles()["starry_night"])
    styles = StyleCatalog(folder, CPU, runs)
    assert styles["wave"].name == "wave"
    own = {key: styles[key].name for key in styles.keys if key not in shipped_styles()}
    assert own == {
        "b": "style1",
        "mine/b": "style2",
        "mine/wave": "style0",
        "runs/b": "style4",
        "runs/wave": "style3",
    }
    assert styles.refresh() == [*shipped_styles(), *own]


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


def test_removed_style_is_reported_by_its_key(make_style: Callable[..., Path], tmp_path: Path) -> None:
    folder = tmp_path / "my styles"
    folder.mkdir()
    path = make_style("monet").rename(folder / "mine.safetensors")
    styles = StyleCatalog(folder, CPU)
    path.unlink()
    with pytest.raises(GanstyleError, match=r"^style mine: cannot be loaded any more; choose another$"):
        styles["mine"]


def test_keys_leave_out_styles_whose_files_are_gone(make_style: Callable[..., Path], tmp_path: Path) -> None:
    folder, run = tmp_path / "styles", tmp_path / "runs" / "trained"
    folder.mkdir()
    run.mkdir(parents=True)
    path = make_style("monet").rename(folder / "mine.safetensors")
    shutil.copy(path, run / "style.safetensors")
    styles, shipped = StyleCatalog(folder, CPU, run.parent), list(shipped_styles())
    assert styles.keys == [*shipped, "mine", "trained"]
    moved = path.rename(tmp_path / "elsewhere")
    shutil.rmtree(run)
    assert styles.refresh() == shipped
    assert styles.choices("me") == [(key, key) for key in shipped]
    with pytest.raises(GanstyleError, match="there is no style 'none'") as said:
        styles["none"]
    assert "mine" not in str(said.value)
    run.mkdir()
    shutil.copy(moved.rename(path), run / "style.safetensors")
    assert styles.refresh() == [*shipped, "mine", "trained"]  # under its name again
    assert styles["trained"].name == "monet"


def test_styles_added_while_others_are_listed(
    make_style: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a page is opened while a training ends: both look for new styles."""
    runs = tmp_path / "runs"
    styles = StyleCatalog(None, CPU, runs)
    (runs / "mine").mkdir(parents=True)
    make_style("monet").rename(runs / "mine" / "style.safetensors")
    other = Thread(target=styles.refresh)

    def interrupt(path: Path) -> Style:
        if other.ident is None:
            other.start()
            other.join(0.5)  # ends only if it is not made to wait
        return load_style(path)

    monkeypatch.setattr(catalog, "load_style", interrupt)
    assert styles.refresh() == [*shipped_styles(), "mine"]
    other.join()
    assert styles.keys == [*shipped_styles(), "mine"]


@pytest.fixture
def paints_anything(any_painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(any_painting))


@pytest.mark.usefixtures("paints_anything")
def test_painting_style_is_private_to_its_visitor(painting: Path, photos: Path) -> None:
    styles = StyleCatalog(None, CPU)
    assert styles.takes_paintings
    key = styles.add_painting("me", Upload(painting, "mine.png"))
    assert styles.label(key) == "mine.png"
    assert styles.choices("me")[-1] == ("mine.png", key)
    assert styles.choices("other") == [(name, name) for name in styles.keys]
    assert key not in styles.keys
    photo = read_image(photos / "a.png")
    assert torch.equal(styles[key].paint(photo), style_from(read_image(painting)).paint(photo))
    assert styles[key] is styles[key]
    styles.forget("other")
    assert styles[key]
    styles.forget("me")
    with pytest.raises(GanstyleError, match="there is no style"):
        styles[key]


def test_blend_is_private_to_its_visitor(photos: Path) -> None:
    styles, photo = StyleCatalog(None, CPU), read_image(photos / "a.png")
    key = styles.blends.add("me", {"wave": 0.75, "udnie": 0.25}, styles.label)
    assert styles.label(key) == "wave 75% + udnie 25%"
    assert styles.choices("me")[-1] == ("wave 75% + udnie 25%", key)
    assert styles.choices("other") == [(name, name) for name in styles.keys]
    expected = blend({"wave": 3, "udnie": 1})(photo)
    torch.testing.assert_close(styles.painter(key).paint(photo), expected)
    nested = styles.blends.add("me", {key: 0.5, "udnie": 0.5}, styles.label)
    assert styles.label(nested) == "wave 38% + udnie 62%"
    assert styles.painter("wave") is styles["wave"]
    styles.forget("other")
    assert styles.painter(key)
    styles.forget("me")
    with pytest.raises(GanstyleError, match="there is no style"):
        styles.painter(key)


@pytest.mark.usefixtures("paints_anything")
def test_painting_styles_in_memory_are_bounded(painting: Path) -> None:
    styles = StyleCatalog(None, CPU)
    keys = [styles.add_painting("me", Upload(painting, f"{number}.png")) for number in range(6)]
    first = styles[keys[0]]
    for key in keys:
        assert styles[key]
    assert styles[keys[0]] is not first  # made anew


@pytest.mark.usefixtures("paints_anything")
def test_styles_at_hand_do_not_wait_for_one_being_made(
    painting: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    styles, begun, go_on = StyleCatalog(None, CPU), Event(), Event()
    first, slow, left = (styles.add_painting(visitor, Upload(painting, "a.png")) for visitor in "abc")
    ready = styles[first]
    made: list[Tensor] = []

    def wait(image: Tensor) -> Style:
        made.append(image)
        begun.set()
        assert go_on.wait(30)
        return style_from(image)

    monkeypatch.setattr(catalog, "style_from", wait)
    threads = [Thread(target=styles.__getitem__, args=[key]) for key in (slow, slow)]
    for thread in threads:
        thread.start()
    assert begun.wait(30)
    assert styles.refresh() == list(shipped_styles())
    assert styles[first] is ready
    assert styles["wave"]
    styles.add_painting("a", Upload(painting, "b.png"))
    assert [name for name, _ in styles.choices("a")[-2:]] == ["a.png", "b.png"]
    styles.forget("c")
    with pytest.raises(GanstyleError, match="there is no style"):
        styles[left]
    go_on.set()
    for thread in threads:
        thread.join()
    assert styles[slow] is styles[slow]
    assert len(made) == 1  # two of one painting make it once


@pytest.mark.usefixtures("paints_anything")
def test_style_of_a_visitor_who_left_is_not_kept(painting: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    styles = StyleCatalog(None, CPU)
    key = styles.add_painting("me", Upload(painting, "a.png"))

    def leave(image: Tensor) -> Style:
        styles.forget("me")
        return style_from(image)

    monkeypatch.setattr(catalog, "style_from", leave)
    assert styles[key]
    assert not styles._baked


@pytest.mark.usefixtures("paints_anything")
def test_invalid_paintings_are_refused(tmp_path: Path, painting: Path) -> None:
    bad, styles = tmp_path / "x", StyleCatalog(None, CPU)
    bad.write_text("no picture")
    with pytest.raises(ImageError, match=r"^mine\.png: not an image"):
        styles.add_painting("me", Upload(bad, "mine.png"))
    gone = tmp_path / "gone.png"
    gone.write_bytes(painting.read_bytes())
    key = styles.add_painting("me", Upload(gone, "mine.png"))
    gone.unlink()
    with pytest.raises(ImageError, match=r"^mine\.png: is no longer on the server"):
        styles[key]


def test_missing_any_painting_generator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANSTYLE_ANY", str(tmp_path / "none.safetensors"))
    assert not StyleCatalog(None, CPU).takes_paintings
