"""Shards of tiny photos, and what the tests of shards look at in the results."""

import io
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image
from torch import Tensor, nn
from webdataset.tariterators import group_by_keys, tar_file_expander

from ganstyle.stylize import Controls, FileEvent
from ganstyle.stylize.plan import plan_shards
from ganstyle.stylize.scale.settings import PaintSettings, Sharing
from ganstyle.stylize.scale.shards import stylize_shards


class Invert(nn.Module):
    """Inverts photos, and notes their red; calls ``then`` first."""

    def __init__(self, then: Callable[[int], None] = lambda red: None) -> None:
        super().__init__()
        self.painted: list[int] = []
        self.then = then

    def forward(self, x: Tensor) -> Tensor:
        red = round(float(x[0, 0, 0, 0]) * 255)
        self.then(red)
        self.painted.append(red)
        return 1 - x


def png(red: int, **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (6, 4), (red, 0, 0)).save(buffer, options.pop("format", "PNG"), **options)
    return buffer.getvalue()


def write_tar(path: Path, files: Sequence[tuple[str, bytes]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def shard(folder: Path, name: str = "0.tar", reds: Sequence[int] = range(8)) -> Path:
    files = [
        (f"{red:03}.{suffix}", content)
        for red in reds
        for suffix, content in (("json", b'{"red": %d}' % red), ("png", png(red)), ("txt", b"red"))
    ]
    return write_tar(folder / name, files)


def run(
    generator: nn.Module,
    shards: Sequence[Path],
    output: Path,
    image_format: str | None = None,
    **sharing: Any,
) -> list[FileEvent]:
    events: list[FileEvent] = []
    settings = PaintSettings(
        overwrite=sharing.pop("overwrite", False), controls=sharing.pop("controls", Controls())
    )
    summary = stylize_shards(
        generator,
        plan_shards(shards, output),
        output,
        settings=settings,
        sharing=Sharing(**sharing),
        image_format=image_format,
        on_event=events.append,
    )
    for status in ("done", "failed", "skipped"):
        assert getattr(summary, status) == sum(event.photos for event in events if event.status == status)
    return events


def statuses(events: list[FileEvent]) -> list[str]:
    return [event.status for event in events]


def read(path: Path) -> list[dict[str, Any]]:
    """Read a shard as WebDataset does."""
    with path.open("rb") as stream:
        return list(group_by_keys(tar_file_expander([{"url": str(path), "stream": stream}])))


def check(path: Path, reds: Sequence[int] = range(8)) -> None:
    samples = read(path)
    assert [sample["__key__"] for sample in samples] == [f"{red:03}" for red in reds]
    for red, sample in zip(reds, samples, strict=True):
        assert sample["json"] == b'{"red": %d}' % red
        assert sample["txt"] == b"red"
        with Image.open(io.BytesIO(sample["png"])) as image:
            assert image.size == (6, 4)
            assert image.getpixel((0, 0)) == (255 - red, 255, 255)


def left(output: Path) -> list[str]:
    return sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
