"""Photos of torchvision's data sets, by name, downloaded if missing."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from torch import Tensor

from ganstyle.data.fault_tolerance import FaultTolerantDataset
from ganstyle.errors import DataError
from ganstyle.images import read_image


class _Labelled(Protocol):
    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> tuple[Tensor, object]: ...


@dataclass(frozen=True)
class VisionSet:
    """What we know about one data set.

    Attributes:
        split: the split that is used unless another one is asked for.
        defaults: further options of its constructor, and the values that we give them.
        files: what must lie in the data set's folder, for those who have no network.
    """

    split: str
    defaults: dict[str, object]
    files: str


VISION_SETS: dict[str, VisionSet] = {
    "Imagenette": VisionSet(
        "train",
        {"size": "full"},
        "imagenette2.tgz unpacked as imagenette2/ (size 320px: imagenette2-320/)",
    ),
    "Flowers102": VisionSet(
        "train",
        {},
        "102flowers.tgz unpacked as flowers-102/jpg/, and setid.mat, imagelabels.mat in flowers-102/",
    ),
    "Places365": VisionSet(
        "train-standard",
        {"small": True},
        "data_256_standard/ (split val: val_256/) and the *.txt of filelist_places365-standard.tar",
    ),
}


class VisionImages(FaultTolerantDataset):
    """The images of one of torchvision's data sets, without their labels.

    Args:
        name: one of `VISION_SETS`.
        path: the folder that holds the data set, or is to hold it.
        split: torchvision's name of the split; by default the training images.
        download: fetch what is missing.
        options: further options of that data set: ``size`` of Imagenette, ``small`` of Places365.

    Raises:
        DataError: the name or an option is unknown, or the data is neither there nor to be had.
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
        images[0]  # some data sets do not look whether their images are there
        return images

    problem: Exception
    # What torchvision raises here is not documented: RuntimeError, URLError, tarfile's errors, ...
    try:
        return opened(False)
    except ValueError as error:  # a wrong split or size
        raise DataError(f"torchvision {name}: {' '.join(str(error).split())}") from error
    except Exception as error:
        problem = error
    if download:
        try:
            return opened(True)
        except Exception as error:
            problem = error
    wish = "cannot be downloaded" if download else "is not there, and download is off"
    reason = " ".join(str(problem).split())
    raise DataError(f"{root}: {name} {wish} ({reason}); put there: {known.files}") from problem


def _load(path: str | Path) -> Tensor:
    return read_image(path)[0]
