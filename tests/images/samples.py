"""Small valid files of every format that is read, to be damaged."""

from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from ganstyle.extras import is_installed

KINDS: dict[str, list[dict[str, Any]]] = {
    "AVIF": [{"speed": 10}],
    "BMP": [{}],
    "GIF": [{}],
    "HEIF": [{}],
    "JPEG": [{}, {"progressive": True}],
    "JPEG2000": [{}],
    "PCX": [{}],
    "PNG": [{}],
    "PPM": [{}],
    "QOI": [{}],
    "SGI": [{}],
    "TGA": [{}, {"compression": "tga_rle"}],
    "TIFF": [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}],
    "WEBP": [{}, {"lossless": True}],
}
"""Format to the options of each file; HEIF only where the extra is installed."""

if not is_installed("pillow_heif"):
    del KINDS["HEIF"]

_WITH_EXIF = ("AVIF", "HEIF", "JPEG", "PNG", "TIFF", "WEBP")


def encode(kind: str, height: int = 19, width: int = 23, **options: Any) -> bytes:
    """Return the content of a file of noise that lies on its side, if its format holds EXIF."""
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    image, exif, buffer = Image.fromarray(pixels), Image.Exif(), BytesIO()
    exif[0x0112] = 6
    if kind in _WITH_EXIF:
        options["exif"] = exif.tobytes()
    if kind == "HEIF":
        import pillow_heif

        pillow_heif.from_pillow(image).save(buffer, **options)
    else:
        image.save(buffer, kind, **options)
    return buffer.getvalue()
