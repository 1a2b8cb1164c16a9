from io import BytesIO

import pytest
from PIL import Image, ImageFile

from ganstyle.errors import ImageError
from ganstyle.images.formats import find_decoder


@pytest.mark.parametrize(
    "kind",
    ["AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP", "PPM", "TGA", "SGI", "PCX", "QOI"],
)
def test_find_decoder(kind: str) -> None:
    buffer = BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, kind)
    assert issubclass(find_decoder(buffer.getvalue()[:64]), ImageFile.ImageFile)


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"", "the file is empty"),
        (b"These are words.", "not an image of a known format; convert it to JPEG, PNG or WebP"),
        (b"\xff\x0a\x01\x02", "a JPEG XL image, which cannot be read"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image, which cannot be read"),
        (b"8BPS\0\1", "a Photoshop document, which cannot be read"),
        (b"%PDF-1.7", "a PDF document, which cannot be read"),
        (b"<!DOCTYPE html><html>", "a web page, which cannot be read"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS, not the image itself"),
    ],
)
def test_find_decoder_names_the_actual_format(start: bytes, message: str) -> None:
    with pytest.raises(ImageError) as caught:
        find_decoder(start)
    assert str(caught.value).startswith(message)


HEIC_STARTS = [b"\0\0\0\x18ftypheic\0\0", b"\0\0\0\x24ftypmif1\0\0\0\0mif1heic"]


@pytest.mark.parametrize("start", HEIC_STARTS)
def test_heic_without_its_extra_says_what_to_install(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ganstyle.images.formats.is_installed", lambda package: False)
    with pytest.raises(ImageError, match=r"an HEIC image: .* pip install 'ganstyle\[heif\]'"):
        find_decoder(start)


@pytest.mark.parametrize("start", HEIC_STARTS)
def test_heic_with_its_extra(start: bytes) -> None:
    pytest.importorskip("pillow_heif")
    assert find_decoder(start).format == "HEIF"


@pytest.mark.parametrize(
    "start", [bytes(64), b"\0\0\2" + bytes(9) + b"\1\0\1\0\7" + bytes(40), b"\0\1\2\3" * 16, b"\0\0\2"]
)
def test_random_bytes_are_not_tga(start: bytes) -> None:
    with pytest.raises(ImageError, match="not an image of a known format"):
        find_decoder(start)
