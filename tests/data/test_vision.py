import multiprocessing
import socket
import time
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.datasets import (
    Flowers102,
    flowers102,
    imagenette,
    places365,
)

from ganstyle.data import vision
from ganstyle.data.content import open_content
from ganstyle.data.vision import VisionImages
from ganstyle.errors import DataError
from ganstyle.images import read_image


def write_photo(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (8, 11, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write_imagenette(root: Path) -> None:
    for i, name in enumerate(("n01440764/a.jpeg", "n03028079/b.jpeg")):
        write_photo(root / "imagenette2-320" / "train" / name, seed=i)


def fail(*_: Any, **__: Any) -> None:
    raise URLError("no network")


def test_imagenette_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenette, "download_and_extract_archive", fail)
    write_imagenette(tmp_path)
    images = open_content("torchvision", name="Imagenette", path=str(tmp_path), size="320px")
    assert len(images) == 2
    photo = tmp_path / "imagenette2-320" / "train" / "n03028079" / "b.jpeg"
    assert torch.equal(images[1], read_image(photo)[0])


def test_missing_data_set_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, root: Path, md5: str) -> None:
        assert url.endswith("imagenette2-320.tgz")
        write_imagenette(Path(root))

    monkeypatch.setattr(imagenette, "download_and_extract_archive", download)
    assert len(VisionImages("Imagenette", tmp_path, size="320px")) == 2


def test_failed_download_error_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imagenette, "download_and_extract_archive", fail)
    with pytest.raises(DataError, match=r"cannot be downloaded .*no network.*imagenette2\.tgz") as caught:
        VisionImages("Imagenette", tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_download_off_does_not_download(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: Any, **__: Any) -> None:
        pytest.fail("tried to download")

    monkeypatch.setattr(flowers102, "download_and_extract_archive", download)
    with pytest.raises(DataError, match=r"download is off .*flowers-102/jpg"):
        open_content("torchvision", name="Flowers102", path=str(tmp_path), download=False)


def test_flowers102_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    savemat = pytest.importorskip("scipy.io").savemat
    names = {key: (name, None) for key, (name, _) in Flowers102._file_dict.items()}
    monkeypatch.setattr(Flowers102, "_file_dict", names)  # our files have other hashes
    base = tmp_path / "flowers-102"
    for number in (1, 2, 3):
        write_photo(base / "jpg" / f"image_{number:05d}.jpg", seed=number)
    savemat(base / "setid.mat", {"trnid": [[3, 1]], "valid": [[2, 3]], "tstid": [[2, 1]]})
    savemat(base / "imagelabels.mat", {"labels": [[5, 5, 6]]})
    images = VisionImages("Flowers102", tmp_path)
    assert len(images) == 2
    assert torch.equal(images[0], read_image(base / "jpg" / "image_00003.jpg")[0])


def test_places365_from_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places365, "check_integrity", lambda file, md5: Path(file).is_file())
    monkeypatch.setattr(places365, "download_and_extract_archive", fail)
    (tmp_path / "categories_places365.txt").write_text("/a/airfield 0\n")
    (tmp_path / "places365_val.txt").write_text("Places365_val_1.jpg 0\nPlaces365_val_2.jpg 0\n")
    with pytest.raises(DataError, match="cannot be downloaded"):
        VisionImages("Places365", tmp_path, split="val")  # lists without photos
    for number in (1, 2):
        write_photo(tmp_path / "val_256" / f"Places365_val_{number}.jpg", seed=number)
    images = VisionImages("Places365", tmp_path, split="val")
    assert len(images) == 2
    assert images[0].shape == (3, 8, 11)


def test_wrong_names_and_options_list_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unknown name CIFAR10; valid: Imagenette, Flowers102, Places365"):
        VisionImages("CIFAR10", tmp_path)
    with pytest.raises(DataError, match="unknown option small; valid: name, path, split, download, size"):
        VisionImages("Imagenette", tmp_path, small=True)
    with pytest.raises(DataError, match="Unknown value 'dev'"):
        VisionImages("Imagenette", tmp_path, split="dev")


def open_slowly(root: Path, downloads: Path) -> None:
    """Open the data set in a process of its own; the download extracts its files one by one."""

    def download(url: str, root: Path, md5: str) -> None:
        with downloads.open("a") as file:
            file.write("x")
        for i in range(4):
            write_photo(Path(root) / "imagenette2-320" / "train" / "n01440764" / f"{i}.jpeg", seed=i)
            time.sleep(0.1)

    imagenette.download_and_extract_archive = download
    assert len(VisionImages("Imagenette", root, size="320px")) == 4


# Python 3.12 and 3.13 warn of every fork of a process that has threads.
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_one_rank_downloads_and_the_others_wait(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    ranks = [
        context.Process(target=open_slowly, args=(tmp_path / "data", tmp_path / "downloads"))
        for _ in range(3)
    ]
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(60)
    assert [rank.exitcode for rank in ranks] == [0, 0, 0]
    assert (tmp_path / "downloads").read_text() == "x"


def test_failed_extraction_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fill_the_disk(url: str, root: Path, md5: str) -> None:
        write_photo(Path(root) / "imagenette2-320" / "train" / "n01440764" / "a.jpeg")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(imagenette, "download_and_extract_archive", fill_the_disk)
    with pytest.raises(DataError, match="No space left"):
        VisionImages("Imagenette", tmp_path, size="320px")
    monkeypatch.setattr(
        imagenette, "download_and_extract_archive", lambda url, root, md5: write_imagenette(root)
    )
    assert len(VisionImages("Imagenette", tmp_path, size="320px")) == 2


def test_killed_download_starts_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_imagenette(tmp_path)
    write_photo(tmp_path / "imagenette2" / "train" / "n01440764" / "mine.jpeg")
    (tmp_path / ".ganstyle-download").write_text("imagenette2-320\nimagenette2-160")
    monkeypatch.setattr(imagenette, "download_and_extract_archive", fail)
    with pytest.raises(DataError, match="no network"):
        VisionImages("Imagenette", tmp_path, size="320px")
    assert len(VisionImages("Imagenette", tmp_path)) == 1


def test_read_only_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(vision, "one_at_a_time", refuse)
    write_imagenette(tmp_path)
    assert len(VisionImages("Imagenette", tmp_path, size="320px")) == 2


def test_stalled_download_times_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    timeouts: list[float | None] = []

    def download(url: str, root: Path, md5: str) -> None:
        timeouts.append(socket.getdefaulttimeout())
        write_imagenette(root)

    monkeypatch.setattr(imagenette, "download_and_extract_archive", download)
    VisionImages("Imagenette", tmp_path, size="320px")
    assert timeouts == [30.0]
    assert socket.getdefaulttimeout() is None
