"""Photos of torchvision's data sets, by name, downloaded if missing."""

import importlib
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from torch import Tensor

from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.errors import DataError, one_line
from ganstyle.images import read_image
from ganstyle.locks import one_at_a_time

_TIMEOUT = 30.0  # seconds without a byte; torchvision itself would wait forever


class _Labelled(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Tensor, object]: ...


@dataclass(frozen=True)
class VisionSet:
    """Facts about one data set.

    Attributes:
        split: the default split.
        defaults: further options of its constructor, with our defaults.
        files: what to put in the data set's folder, for users without a network.
        extracted: the folders, relative to the root, that its archives are extracted to.
    """

    split: str
    defaults: dict[str, object]
    files: str
    extracted: tuple[str, ...]


VISION_SETS: dict[str, VisionSet] = {
    "Imagenette": VisionSet(
        "train",
        {"size": "full"},
        "imagenette2.tgz unpacked as imagenette2/ (size 320px: imagenette2-320/)",
        ("imagenette2", "imagenette2-320", "imagenette2-160"),
    ),
    "Flowers102": VisionSet(
        "train",
        {},
        "102flowers.tgz unpacked as flowers-102/jpg/, and setid.mat, imagelabels.mat in flowers-102/",
        ("flowers-102/jpg",),
    ),
    "Places365": VisionSet(
        "train-standard",
        {"small": True},
        "data_256_standard/ (split val: val_256/) and the *.txt of filelist_places365-standard.tar",
        tuple(
            f"{kind}_{size}{variant}"
            for size in ("256", "large")
            for kind, variant in (("data", ""), ("data", "_standard"), ("data", "_challenge"), ("val", ""))
        ),
    ),
}


class VisionImages(FaultTolerantDataset):
    """The images of one of torchvision's data sets, without their labels.

    Args:
        name: one of `VISION_SETS`.
        path: the folder of the data set, which is created by a download.
        split: torchvision's name of the split; by default the training images.
        download: download the data set if it is missing. Of several processes, one downloads and the others
            wait for it.
        options: further options of that data set: ``size`` of Imagenette, ``small`` of Places365.

    Raises:
        DataError: the name or an option is unknown, or the data set is missing and cannot be downloaded.
    """

    def __init__(
        self,
        name: str,
        path: str | Path,
        split: str | None = None,
        download: bool = True,
        **options: object,
    ) -> None:
        if not isinstance(name, str) or name not in VISION_SETS:
            raise DataError(f"torchvision: unknown name {name}; valid: {', '.join(VISION_SETS)}")
        known = VISION_SETS[name]
        unknown = sorted(set(options) - set(known.defaults))
        if unknown:
            valid = ", ".join(["name", "path", "split", "download", *known.defaults])
            raise DataError(f"torchvision {name}: unknown option {unknown[0]}; valid: {valid}")
        arguments = {**known.defaults, **options, "split": split or known.split}
        self.images = _open_or_download(name, Path(path), known, arguments, download)
        super().__init__(self._read, len(self.images), f"{name} in {path}", self._reachable)
        self.root = Path(path)

    def _read(self, index: int) -> Tensor:
        return self.images[index][0]

    def _reachable(self, _: int) -> bool:
        try:
            return any(self.root.iterdir())
        except OSError:
            return False


def _open_or_download(
    name: str, root: Path, known: VisionSet, arguments: dict[str, object], download: bool
) -> _Labelled:
    datasets = importlib.import_module("torchvision.datasets")  # slow to import, and untyped
    create = cast(Callable[..., _Labelled], getattr(datasets, name))

    def opened(download: bool) -> _Labelled:
        images = create(root, download=download, loader=_load, **arguments)
        images[0]  # some data sets do not check whether their images exist
        return images

    # What torchvision raises here is not documented: RuntimeError, URLError, tarfile's errors, ...
    try:
        if not download:
            return opened(False)
        with _one_downloader(root):
            return _downloaded(opened, root, known)
    except Exception as error:
        reason = one_line(error)
        if isinstance(error, ValueError):  # a wrong split or size
            raise DataError(f"torchvision {name}: {reason}") from error
        wish = "cannot be downloaded" if download else "is not there, and download is off"
        raise DataError(f"{root}: {name} {wish} ({reason}); put there: {known.files}") from error


@contextmanager
def _one_downloader(root: Path) -> Iterator[None]:
    """Let one process of a launch at a time look for the data set, and download it if it is missing."""
    with ExitStack() as stack:
        with suppress(OSError):  # nothing can be downloaded to a read-only disk
            stack.enter_context(one_at_a_time(root / ".ganstyle.lock"))
        yield


def _downloaded(opened: Callable[[bool], _Labelled], root: Path, known: VisionSet) -> _Labelled:
    """Open the data set, or download it. A download that was interrupted is started again.

    torchvision takes any folder for a complete one, so a failed download removes what it has extracted. A
    list of what to remove is kept on disk, in case the process is killed.
    """
    interrupted = root / ".ganstyle-download"
    if interrupted.is_file():
        _remove_extracted(root, interrupted)
    try:
        return opened(False)
    except ValueError:
        raise
    except Exception:
        new = [folder for folder in known.extracted if not (root / folder).exists()]
    interrupted.write_text("\n".join(new))
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)
    try:
        images = opened(True)
    except BaseException:
        _remove_extracted(root, interrupted)
        raise
    finally:
        socket.setdefaulttimeout(timeout)
    interrupted.unlink()
    return images


def _remove_extracted(root: Path, interrupted: Path) -> None:
    for folder in interrupted.read_text().splitlines():
        shutil.rmtree(root / folder, ignore_errors=True)
    interrupted.unlink()


def _load(path: str | Path) -> Tensor:
    return read_image(path)[0]
