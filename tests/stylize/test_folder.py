import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from ganstyle.errors import GanstyleError
from ganstyle.images import read_image, write_image
from ganstyle.stylize import FileEvent, Summary, plan_outputs, stylize_plan


class Invert(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return 1 - x


def photo(path: Path, value: float = 0.25) -> Path:
    """Write a gray photo of 6x4 pixels, in any format Pillow knows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    level = round(value * 255)
    Image.new("RGB", (6, 4), (level, level, level)).save(path)
    return path


def run(*inputs: Path, output: Path, **options: Any) -> tuple[Summary, list[FileEvent]]:
    events: list[FileEvent] = []
    summary = stylize_plan(Invert(), plan_outputs(inputs, output), on_event=events.append, **options)
    assert len(events) == summary.done + summary.failed + summary.skipped
    assert [event.index for event in events] == list(range(1, len(events) + 1))
    assert {event.total for event in events} <= {len(events)}
    assert all(bool(event.message) == (event.status != "done") for event in events)
    assert not any("\n" in event.message for event in events)
    return summary, events


def files_in(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_results_keep_file_names(tmp_path: Path) -> None:
    first, second = photo(tmp_path / "a" / "one.png"), photo(tmp_path / "b" / "two.JPG")
    summary, events = run(first, second, output=tmp_path / "new" / "out")
    assert summary == Summary(done=2, failed=0, skipped=0)
    assert files_in(tmp_path / "new") == ["out/one.png", "out/two.JPG"]
    assert [event.source for event in events] == [first, second]
    assert all(event.seconds > 0 for event in events)
    result = read_image(tmp_path / "new" / "out" / "one.png")
    torch.testing.assert_close(result, 1 - read_image(first))


def test_results_keep_subfolders(tmp_path: Path) -> None:
    for name in ("b.png", "sub/deep/a.webp", "sub/b.png", "sub/notes.txt", ".hidden/c.png"):
        if name.endswith("txt"):
            (tmp_path / "in" / name).write_text("x")
        else:
            photo(tmp_path / "in" / name)
    single = photo(tmp_path / "single.png")
    summary, _ = run(tmp_path / "in", single, output=tmp_path / "out")
    assert summary.done == 4
    assert files_in(tmp_path / "out") == ["b.png", "single.png", "sub/b.png", "sub/deep/a.webp"]


def test_other_formats_become_png(tmp_path: Path) -> None:
    for suffix in ("gif", "tiff", "bmp", "avif"):
        photo(tmp_path / "in" / f"{suffix}.{suffix}")
    run(tmp_path / "in", output=tmp_path / "out")
    assert files_in(tmp_path / "out") == ["avif.png", "bmp.png", "gif.png", "tiff.png"]


def test_one_file_to_one_file(tmp_path: Path) -> None:
    source = photo(tmp_path / "in.png")
    run(source, output=tmp_path / "sub" / "out.webp")
    assert files_in(tmp_path / "sub") == ["out.webp"]
    with Image.open(tmp_path / "sub" / "out.webp") as written:
        assert written.format == "WEBP"


def test_folder_named_like_an_image(tmp_path: Path) -> None:
    (tmp_path / "out.png").mkdir()
    run(photo(tmp_path / "a.png"), output=tmp_path / "out.png")
    assert files_in(tmp_path / "out.png") == ["a.png"]


def test_a_link_that_leads_to_itself_is_one_failure(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    photo(folder / "a.png")
    (folder / "b.jpg").symlink_to("b.jpg")
    summary, _ = run(folder, output=tmp_path / "out")
    assert summary == Summary(done=1, failed=1, skipped=0)


def test_unreadable_photos_are_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    photo(folder / "a.png")
    (folder / "b.jpg").write_text("These are words.")
    photo(folder / "c.png")
    (folder / "c.png").write_bytes((folder / "c.png").read_bytes()[:-30])
    photo(folder / "d.png")
    summary, events = run(folder, tmp_path / "missing.jpg", output=tmp_path / "out")
    assert summary == Summary(done=2, failed=3, skipped=0)
    assert [event.status for event in events] == ["done", "failed", "failed", "done", "failed"]
    assert files_in(tmp_path / "out") == ["a.png", "d.png"]
    for event in events:
        if event.status == "failed":
            assert event.message.startswith(f"{event.source}: ")


def test_photos_over_max_pixels_are_skipped(tmp_path: Path) -> None:
    summary, events = run(photo(tmp_path / "a.png"), output=tmp_path / "out", max_pixels=23)
    assert summary.failed == 1
    assert events[0].message == (
        f"{tmp_path / 'a.png'}: 6x4 pixels is more than the limit of 23 pixels; "
        "reduce the image first, or raise the limit with --max-pixels"
    )
    assert run(tmp_path / "a.png", output=tmp_path / "out", max_pixels=24)[0].done == 1


def test_large_photos_are_reduced_where_asked(tmp_path: Path) -> None:
    source = photo(tmp_path / "a.png")
    for side, shape in ((3, (2, 3)), (6, (4, 6)), (100, (4, 6))):
        run(source, output=tmp_path / "out", max_side=side, overwrite=True)
        assert read_image(tmp_path / "out" / "a.png").shape[-2:] == shape


class Fails(nn.Module):
    """Fails on the photos of one brightness."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, x: Tensor) -> Tensor:
        if x.mean() > 0.5:
            raise self.error
        return x


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            MemoryError(),
            "6x4 pixels need more memory than cpu has; downscale the image first, or let --max-side",
        ),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "need more memory than cpu has"),
        (RuntimeError("kernel size\n can't be greater"), "cannot be stylized (kernel size can't be greater)"),
        (ValueError("a b"), "cannot be stylized (a b)"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error"),
        (GanstyleError("no good"), ": no good"),
    ],
)
def test_failing_photo_does_not_end_the_run(tmp_path: Path, error: Exception, message: str) -> None:
    folder = tmp_path / "in"
    for name, value in (("a.png", 0.25), ("b.png", 0.75), ("c.png", 0.25)):
        photo(folder / name, value)
    events: list[FileEvent] = []
    summary = stylize_plan(Fails(error), plan_outputs([folder], tmp_path / "out"), on_event=events.append)
    assert summary == Summary(done=2, failed=1, skipped=0)
    assert events[1].message.startswith(f"{folder / 'b.png'}: ")
    assert message in events[1].message


@pytest.mark.parametrize("length", [245, 246, 251, 255])
def test_photos_with_the_longest_names(tmp_path: Path, length: int) -> None:
    names = ["n" * (length - 4) + ".png", "画" * ((length - 4) // 3) + ".jpg", "b" * (length - 4) + ".bmp"]
    for name in names:
        photo(tmp_path / "in" / name)
    summary, _ = run(tmp_path / "in", output=tmp_path / "out")
    assert summary.done == 3
    assert files_in(tmp_path / "out") == sorted([*names[:2], "b" * (length - 4) + ".png"])


def test_result_name_too_long(tmp_path: Path) -> None:
    for name in ("a.png", "n" * 251 + ".bmp", "n" * 251 + ".png", "z.png"):
        photo(tmp_path / "in" / name)
    summary, events = run(tmp_path / "in", tmp_path / ("m" * 300), output=tmp_path / "out")
    assert summary == Summary(done=3, failed=2, skipped=0)  # the .bmp would have to keep its suffix
    assert "File name too long); choose a shorter name" in events[1].message
    assert "File name too long" in events[4].message


def test_pictures_that_are_not_supported_fail(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.jxl").touch()
    summary, events = run(tmp_path / "in", output=tmp_path / "out")
    assert summary == Summary(done=1, failed=1, skipped=0)
    assert "'.jxl' images cannot be read" in events[1].message


def test_generator_errors_name_the_photo(tmp_path: Path) -> None:
    class Nan(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x * float("nan")

    source = photo(tmp_path / "a.png")
    events: list[FileEvent] = []
    summary = stylize_plan(Nan(), plan_outputs([source], tmp_path / "out"), on_event=events.append)
    assert summary.failed == 1
    assert events[0].message.startswith(f"{source}: ")
    assert "not finite" in events[0].message
    assert not (tmp_path / "out").exists()


def test_existing_results_are_skipped_without_overwrite(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = photo(tmp_path / "a.png", 0.25)
    existing = photo(tmp_path / "out" / "a.png", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr("ganstyle.stylize.folder.read_photo", None)  # no work is done on it
        summary, events = run(source, output=tmp_path / "out")
    assert summary == Summary(done=0, failed=0, skipped=1)
    assert "a.png: exists already; use --force" in events[0].message
    assert read_image(existing).max() == 0
    assert run(source, output=tmp_path / "out", overwrite=True)[0].done == 1
    assert read_image(existing).min() > 0.7


def test_folder_in_place_of_a_result(tmp_path: Path) -> None:
    (tmp_path / "out" / "a.png").mkdir(parents=True)
    summary, events = run(photo(tmp_path / "a.png"), output=tmp_path / "out", overwrite=True)
    assert summary.failed == 1
    assert "is a folder" in events[0].message


def test_results_inside_the_input_folder_are_not_stylized_again(tmp_path: Path) -> None:
    photo(tmp_path / "a.png")
    output = tmp_path / "out"
    assert run(tmp_path, output=output)[0] == Summary(done=1, failed=0, skipped=0)
    assert run(tmp_path, output=output)[0] == Summary(done=0, failed=0, skipped=1)
    assert run(tmp_path, output=output, overwrite=True)[0].done == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_output_folder(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(GanstyleError, match="may not be written to"):
        run(photo(tmp_path / "a.png"), output=tmp_path / "out" / "sub")


def test_full_disk_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png", "c.png"):
        photo(tmp_path / "in" / name)
    write_bytes = Path.write_bytes
    written = []

    def fill_up(self: Path, data: bytes) -> int:
        written.append(self)
        if len(written) > 1:
            write_bytes(self, bytes(data)[:9])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write_bytes(self, data)

    monkeypatch.setattr(Path, "write_bytes", fill_up)
    with pytest.raises(GanstyleError, match=r"b\.png: cannot be written \(No space left"):
        run(tmp_path / "in", output=tmp_path / "out")
    assert files_in(tmp_path / "out") == ["a.png"]


def test_color_photo_gives_a_color_result(tmp_path: Path) -> None:
    image = torch.rand(1, 3, 9, 5, generator=torch.Generator().manual_seed(0))
    write_image(image, tmp_path / "a.png")
    run(tmp_path / "a.png", output=tmp_path / "out")
    torch.testing.assert_close(read_image(tmp_path / "out" / "a.png"), 1 - image, atol=1.01 / 255, rtol=0)
