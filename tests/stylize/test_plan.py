from pathlib import Path

import pytest

from ganstyle import files
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.stylize import plan_outputs


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def results(folder: Path, output: Path) -> dict[str, str]:
    return {
        str(file.source.relative_to(folder)): str(file.output.relative_to(output))
        for file in plan_outputs([folder], output)
    }


@pytest.mark.parametrize(
    "name",
    ["out.mp4", "out.JXL", "out.heic", "out.pdf", "out.psd", "out.svg", "out.mov", "out.gif", "out.zip"],
)
def test_an_output_of_another_kind_is_no_folder(tmp_path: Path, name: str) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.png")
    for inputs in ([photos], [photos / "a.png"], [photos / "a.png", photos / "b.png"]):
        with pytest.raises(ImageError, match=r"cannot write '\.\w+' images; use \.png"):
            plan_outputs(inputs, tmp_path / name)
    (tmp_path / name).mkdir()
    assert len(plan_outputs([photos], tmp_path / name)) == 2


@pytest.mark.parametrize("name", ["out", "2024.05", "v1.2", "out.d", ".hidden"])
def test_other_names_are_folders(tmp_path: Path, name: str) -> None:
    photos = touch(tmp_path / "in", "a.png")
    assert results(photos, tmp_path / name) == {"a.png": "a.png"}


def test_names_that_collide_within_a_folder_keep_their_suffix(tmp_path: Path) -> None:
    photos = touch(
        tmp_path / "in", "a.png", "a.tif", "a.gif", "b.bmp", "sub/a.tif", "c.jpg", "c.png", "d.tif", "d.TIF"
    )
    assert results(photos, tmp_path / "out") == {
        "a.gif": "a.gif.png",
        "a.png": "a.png",
        "a.tif": "a.tif.png",
        "b.bmp": "b.png",
        "c.jpg": "c.jpg",
        "c.png": "c.png",
        "d.TIF": "d.TIF.png",
        "d.tif": "d.tif.png",
        "sub/a.tif": "sub/a.png",
    }


def test_names_that_collide_with_the_suffix_kept(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png", "a.tif", "a.tif.png", "a.tif-2.jpg")
    assert results(photos, tmp_path / "out")["a.tif"] == "a.tif-2.png"


def test_names_that_collide_where_case_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ignores_case", lambda folder: True)
    photos = touch(tmp_path / "in", "A.png", "a.tif")
    assert results(photos, tmp_path / "out") == {"A.png": "A.png", "a.tif": "a.tif.png"}
    touch(photos, "a.png")
    with pytest.raises(GanstyleError, match="would both be written"):
        plan_outputs([photos], tmp_path / "out")


def test_a_photo_given_by_two_paths_is_done_once(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png")
    (tmp_path / "link").symlink_to("in")
    assert (
        len(plan_outputs([photos, tmp_path / "link", tmp_path / "in" / ".." / "in"], tmp_path / "out")) == 1
    )


def test_a_plan_holds_what_cannot_be_read(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.heic", "c.jpe", "out/d.heic")
    plan = plan_outputs([photos], photos / "out")
    assert [file.source.name for file in plan] == ["a.png", "b.heic", "c.jpe"]
    assert [bool(file.problem) for file in plan] == [False, True, False]
    assert plan[1].problem.startswith(f"{photos / 'b.heic'}: '.heic' images cannot be read")
    assert plan[2].output == photos / "out" / "c.png"
    only = touch(tmp_path / "only", "a.heic")
    assert [bool(file.problem) for file in plan_outputs([only], tmp_path / "out")] == [True]


def test_one_photo_to_a_device(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.png")
    (file,) = plan_outputs([photos / "a.png"], Path("/dev/null"))
    assert file.output == Path("/dev/null")
    with pytest.raises(GanstyleError, match="names one image"):
        plan_outputs([photos], Path("/dev/null"))
