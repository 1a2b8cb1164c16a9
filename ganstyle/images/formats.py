"""Which kinds of image files are read, which are written, and which are known but neither."""

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PcxImagePlugin,
    PngImagePlugin,
    PpmImagePlugin,
    QoiImagePlugin,
    SgiImagePlugin,
    TgaImagePlugin,
    WebPImagePlugin,
)

from ganstyle.errors import ImageError
from ganstyle.extras import is_installed, missing
from ganstyle.images.tiff import TiffImageFile

READ_SUFFIXES = frozenset(
    # JPEG and its other names (.mpo: several JPEGs in one file, as stereo cameras write them)
    {".jpeg", ".jpg", ".jpe", ".jfif", ".jif", ".jps", ".mpo", ".pjp", ".pjpeg"}
    | {".j2c", ".j2k", ".jp2", ".jpc", ".jpf", ".jpx"}  # JPEG 2000
    | {".apng", ".avif", ".bmp", ".gif", ".png", ".tif", ".tiff", ".webp"}
    | {".heic", ".heif", ".hif"}  # with the extra heif
    | {".pbm", ".pcx", ".pgm", ".pnm", ".ppm", ".qoi", ".rgb", ".rgba", ".sgi", ".tga"}
)
"""Lower-case suffixes by which images are found in a folder; a file's content decides how it is read."""

UNREADABLE_SUFFIXES = frozenset(
    {".avifs", ".heics", ".heifs"}  # sequences of HEIF
    | {".hdp", ".jng", ".jxl", ".jxr", ".jxs", ".wdp"}  # JPEG XL, XR, XS and Network Graphics
    # raw files of cameras
    | {".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq", ".k25", ".kdc"}
    | {".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf"}
    | {".srw", ".x3f"}
    | {".clip", ".kra", ".ora", ".procreate", ".psb", ".psd", ".xcf"}  # documents of paint programs
    | {".dds", ".exr", ".hdr", ".pam", ".pfm"}  # rendering and games
    | {".bpg", ".cur", ".dib", ".djvu", ".emf", ".eps", ".fit", ".fits", ".flif", ".icns", ".ico", ".mng"}
    | {".pct", ".pict", ".ras", ".svg", ".svgz", ".wbmp", ".wmf", ".xbm", ".xpm"}
)
"""Lower-case suffixes of pictures that cannot be read; in a folder they are never skipped silently."""

WRITE_FORMATS = {
    ".avif": "AVIF",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""Lower-case suffix to the name of the format that is written."""

FORMAT_SUFFIXES = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "avif": ".avif", "tiff": ".tif"}
"""What users call a format that is written, and the suffix of its files."""

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
    "PPM": PpmImagePlugin.PpmImageFile,
    "QOI": QoiImagePlugin.QoiImageFile,
    "SGI": SgiImagePlugin.SgiImageFile,
    "PCX": PcxImagePlugin.PcxImageFile,
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
        return _heif_decoder()
    for name, decoder in _DECODERS.items():
        accept = Image.OPEN[name][1]
        if accept is not None and accept(start[:16]) is True:  # a string: this Pillow lacks the decoder
            return decoder
    if _is_tga(start):
        return TgaImagePlugin.TgaImageFile
    if start.startswith(b"version https://git-lfs"):
        raise ImageError("a pointer of Git LFS, not the image itself; run git lfs pull")
    kind = next((kind for magic, kind in _STARTS.items() if start.lower().startswith(magic)), None)
    what = f"{kind}, which cannot be read" if kind else "not an image of a known format"
    raise ImageError(f"{what}; convert it to JPEG, PNG or WebP")


def _heif_decoder() -> type[ImageFile.ImageFile]:
    if not is_installed("pillow_heif"):
        raise ImageError(f"an HEIC image: {missing('pillow_heif', 'reading it')}")
    from pillow_heif import HeifImageFile

    decoder: type[ImageFile.ImageFile] = HeifImageFile
    return decoder


def _is_tga(start: bytes) -> bool:
    """Say whether a file may be a TGA, which has no signature, by what its header allows."""
    if len(start) < 18:
        return False
    width, height = int.from_bytes(start[12:14], "little"), int.from_bytes(start[14:16], "little")
    has_palette = start[1] == 1 and start[2] in (1, 9)
    has_colors = start[1] == 0 and start[2] in (2, 3, 10, 11)
    return (has_palette or has_colors) and start[16] in (8, 16, 24, 32) and width > 0 and height > 0
