from pathlib import Path

import pytest

from ganstyle import files
from ganstyle.errors import GanstyleError, ImageError
from ganstyle.stylize import PlannedFile, plan_outputs, result_name
from ganstyle.stylize.plan import unique_name


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
    ["out.mp4", "out.JXL", "out.jxl", "out.pdf", "out.psd", "out.svg", "out.mov", "out.gif", "out.zip"],
)
def test_output_with_unsupported_suffix_is_an_error(tmp_path: Path, name: str) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.png")
    for inputs in ([photos], [photos / "a.png"], [photos / "a.png", photos / "b.png"]):
        with pytest.raises(ImageError, match=r"cannot write '\.\w+' images; use \.png"):
            plan_outputs(inputs, tmp_path / name)
    (tmp_path / name).mkdir()
    assert len(plan_outputs([photos], tmp_path / name)) == 2


@pytest.mark.parametrize("name", ["out", "2024.05", "v1.2", "out.d", ".hidden"])
def test_output_without_image_suffix_is_a_folder(tmp_path: Path, name: str) -> None:
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


def test_photo_given_by_two_paths_is_stylized_once(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png")
    (tmp_path / "link").symlink_to("in")
    assert (
        len(plan_outputs([photos, tmp_path / "link", tmp_path / "in" / ".." / "in"], tmp_path / "out")) == 1
    )


def test_plan_lists_unreadable_files(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.jxl", "c.jpe", "out/d.jxl")
    plan = plan_outputs([photos], photos / "out")
    assert [file.source.name for file in plan] == ["a.png", "b.jxl", "c.jpe"]
    assert [bool(file.problem) for file in plan] == [False, True, False]
    assert plan[1].problem.startswith(f"{photos / 'b.jxl'}: '.jxl' images cannot be read")
    assert plan[2].output == photos / "out" / "c.png"
    only = touch(tmp_path / "only", "a.jxl")
    assert [bool(file.problem) for file in plan_outputs([only], tmp_path / "out")] == [True]


def test_output_to_a_device_file(tmp_path: Path) -> None:
    photos = touch(tmp_path / "in", "a.png", "b.png")
    (file,) = plan_outputs([photos / "a.png"], Path("/dev/null"))
    assert file.output == Path("/dev/null")
    with pytest.raises(GanstyleError, match="is one image"):
        plan_outputs([photos], Path("/dev/null"))


@pytest.mark.parametrize("how", ["folder", "file", "dots", "symlink", "hardlink"])
def test_inputs_are_never_overwritten(tmp_path: Path, how: str) -> None:
    folder = tmp_path / "in"
    source = touch(folder, "a.png") / "a.png"
    source.write_bytes(b"mine")
    inputs, output = [source], tmp_path / "out"
    if how == "folder":
        inputs, output = [folder], folder
    elif how == "file":
        output = source
    elif how == "dots":
        output = folder / ".." / "in"
    elif how == "symlink":
        output.symlink_to(folder, target_is_directory=True)
    else:
        output.mkdir()
        (output / "a.png").hardlink_to(source)
    with pytest.raises(GanstyleError, match="is an input, which is never replaced"):
        plan_outputs(inputs, output)
    assert source.read_bytes() == b"mine"


def test_two_results_with_one_name(tmp_path: Path) -> None:
    first, second = (touch(tmp_path / name, "x.png") / "x.png" for name in "ab")
    with pytest.raises(GanstyleError, match="would both be written to") as caught:
        plan_outputs([first, second], tmp_path / "out")
    for path in (first, second, tmp_path / "out" / "x.png"):
        assert str(path) in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_photo_given_twice_is_stylized_once(tmp_path: Path) -> None:
    source = touch(tmp_path / "in", "a.png") / "a.png"
    assert plan_outputs([source, tmp_path / "in", source], tmp_path / "out") == [
        PlannedFile(source, tmp_path / "out" / "a.png")
    ]


def test_invalid_outputs_are_refused(tmp_path: Path) -> None:
    folder = touch(tmp_path / "in", "a.png", "b.png")
    first, second = folder / "a.png", folder / "b.png"
    for inputs in ([first, second], [folder]):
        with pytest.raises(GanstyleError, match="is one image"):
            plan_outputs(inputs, tmp_path / "out.png")
    with pytest.raises(ImageError, match=r"use \.png"):
        plan_outputs([first], tmp_path / "out.bmp")
    (tmp_path / "empty").mkdir()
    with pytest.raises(GanstyleError, match="holds no images"):
        plan_outputs([tmp_path / "empty"], tmp_path / "out")
    (tmp_path / "file").write_text("x")
    for output in (tmp_path / "file", tmp_path / "file" / "sub", tmp_path / "file" / "out.png"):
        with pytest.raises(GanstyleError, match="is a file, not a folder"):
            plan_outputs([first], output)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("photo", "result"), [("a.jpg", "a.jpg"), ("b.WEBP", "b.WEBP"), ("c.tiff", "c.png"), ("d", "d.png")]
)
def test_result_is_named_after_its_photo(photo: str, result: str) -> None:
    assert result_name(Path(photo)) == Path(result)


@pytest.mark.parametrize(
    ("name", "taken", "expected"),
    [
        ("me.jpg", [], "me.jpg"),
        ("me.jpg", ["me.jpg"], "me (2).jpg"),
        ("me.jpg", ["ME.JPG", "me (2).jpg"], "me (3).jpg"),
        ("me.png", ["me.jpg"], "me.png"),
        ("me", ["me"], "me (2)"),
    ],
)
def test_unique_name(name: str, taken: list[str], expected: str) -> None:
    assert unique_name(name, taken) == expected
