"""Which kinds of image files are read, which are written, and which are known but neither."""

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from ganstyle.errors import ImageError
from ganstyle.images.tiff import TiffImageFile

READ_SUFFIXES = frozenset(
    # JPEG and its other names (.mpo: several JPEGs in one file, as stereo cameras write them)
    {".jpeg", ".jpg", ".jpe", ".jfif", ".jif", ".jps", ".mpo", ".pjp", ".pjpeg"}
    | {".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"}  # JPEG 2000
    | {".apng", ".avif", ".bmp", ".gif", ".png", ".tif", ".tiff", ".webp"}
)
"""Lower-case suffixes by which images are found in a folder; a file's content decides how it is read."""

UNREADABLE_SUFFIXES = frozenset(
    {".avifs", ".heic", ".heics", ".heif", ".heifs", ".hif"}  # HEIF
    | {".hdp", ".jng", ".jxl", ".jxr", ".jxs", ".wdp"}  # JPEG XL, XR, XS and Network Graphics
    # raw files of cameras
    | {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc"}
    | {".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf"}
    | {".srw", ".x3f"}
    | {".clip", ".kra", ".ora", ".procreate", ".psb", ".psd", ".xcf"}  # documents of paint programs
    | {".dds", ".exr", ".hdr", ".pfm", ".tga"}  # rendering and games
    | {".pam", ".pbm", ".pgm", ".pnm", ".ppm"}  # Netpbm
    | {".bpg", ".cur", ".dib", ".djvu", ".emf", ".eps", ".fit", ".fits", ".flif", ".icns", ".ico", ".mng"}
    | {".pct", ".pcx", ".pict", ".qoi", ".ras", ".sgi", ".svg", ".svgz", ".wbmp", ".wmf", ".xbm", ".xpm"}
)
"""Lower-case suffixes of pictures that cannot be read; in a folder they are never skipped silently."""

WRITE_FORMATS = {".jpeg": "JPEG", ".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP"}
"""Lower-case suffix to the name of the format that is written."""

# The decoders that may see a file's bytes. They are called directly, not through Image.open, which
# compares the size with a limit that is global to the process, and warns or raises on its own.
_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImagePlugin.JpegImageFile,
    "PNG": PngImagePlugin.PngImageFile,
    "WEBP": WebPImagePlugin.WebPImageFile,
    "AVIF": AvifImagePlugin.AvifImageFile,
    "TIFF": TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "JPEG2000": Jpeg2KImagePlugin.Jpeg2KImageFile,
}

_HEIC_BRANDS = (b"heic", b"heix", b"hevc")

# What a file of another kind is, by how it starts, in lower case.
_STARTS = {
    b"\xff\x0a": "a JPEG XL image",
    b"\0\0\0\x0cjxl ": "a JPEG XL image",
    b"8bps": "a Photoshop document",
    b"%pdf": "a PDF document",
    b"<svg": "an SVG image",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
}


def find_decoder(start: bytes) -> type[ImageFile.ImageFile]:
    """Return the decoder for a file that starts with these bytes, 64 of them if there are as many.

    Raises:
        ImageError: the format is not read.
    """
    if not start:
        raise ImageError("the file is empty")
    # AVIF and HEIC are both HEIF, and may even have the same major brand; then the others tell.
    brands = start[8:] if start[4:8] == b"ftyp" else b""
    if b"avif" not in brands and any(brand in brands for brand in _HEIC_BRANDS):
        raise ImageError("an HEIC image, which cannot be read; convert it to JPEG, PNG or WebP")
    for name, decoder in _DECODERS.items():
        accept = Image.OPEN[name][1]
        if accept is not None and accept(start[:16]) is True:  # a string: this Pillow lacks the decoder
            return decoder
    if start.startswith(b"version https://git-lfs"):
        raise ImageError("a pointer of Git LFS, not the image itself; run git lfs pull")
    kind = next((kind for magic, kind in _STARTS.items() if start.lower().startswith(magic)), None)
    what = f"{kind}, which cannot be read" if kind else "not an image of a known format"
    raise ImageError(f"{what}; convert it to JPEG, PNG or WebP")
