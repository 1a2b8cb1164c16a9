"""What a photo's file says about it, and what of that its painting's file may say too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from operator import itemgetter
from typing import Any, TypeAlias

from PIL import ExifTags, Image, ImageCms

_KEPT = (
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.XResolution,
    ExifTags.Base.YResolution,
    ExifTags.Base.ResolutionUnit,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.Copyright,
)
"""Tags of the main directory that are about the photo. Others are about its pixels, or its orientation."""

_OF_PIXELS = (
    ExifTags.Base.ExifImageWidth,
    ExifTags.Base.ExifImageHeight,
    0x9214,  # SubjectArea, which Pillow calls SubjectLocation
    0xA214,  # SubjectLocation
)
"""Tags of the directory of EXIF that count the photo's pixels, before it was turned or reduced."""

_JPEG_SEGMENT = 65_533  # bytes, with the header of EXIF
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_INTEROPERABILITY = ExifTags.IFD.Interop

_Entries: TypeAlias = dict[int, Any]


@dataclass(frozen=True)
class Metadata:
    """EXIF and color profile.

    Attributes:
        exif: the EXIF tags, decoded.
        profile: the ICC profile's bytes.
    """

    exif: Image.Exif
    profile: bytes | None

    @classmethod
    def of(cls, image: Image.Image) -> "Metadata":
        """Return what an image's header says; damaged EXIF counts as none."""
        try:
            exif = image.getexif()
            for directory in _DIRECTORIES:
                exif.get_ifd(directory)
        except Exception:  # whatever is wrong with it, the pixels may be good
            exif = Image.Exif()
        return cls(exif, image.info.get("icc_profile"))

    def exif_bytes(self, image_format: str, *, gps: bool) -> bytes | None:
        """Return EXIF for a painting of the photo that is upright, or None.

        The place where the photo was taken is left out unless it is asked for; so is the preview, which
        shows the photo; and of what is too long for the format, the longest entry, such as a maker's note.

        Args:
            image_format: as Pillow names it, such as ``JPEG``.
            gps: keep the place.
        """
        main: _Entries = {tag: self.exif[tag] for tag in _KEPT if tag in self.exif}
        directories = _DIRECTORIES if gps else _DIRECTORIES[:1]
        others: dict[int, _Entries] = {each: dict(self.exif.get_ifd(each)) for each in directories}
        for entries in others.values():
            for tag in (_INTEROPERABILITY, *_OF_PIXELS):  # the first: where something lay in the photo's file
                entries.pop(tag, None)
        try:
            content = _encode(main, others)
            while content is not None and image_format == "JPEG" and len(content) > _JPEG_SEGMENT:
                _drop_longest([main, *others.values()])
                content = _encode(main, others)
        except Exception:  # damaged values
            return None
        return content

    def in_profile(self, picture: Image.Image) -> tuple[Image.Image, bytes | None]:
        """Convert an sRGB picture to the photo's profile, so that it may carry it.

        Returns:
            The picture and the profile to embed; the picture as it is, and None, if there is no profile or
            it is not one for RGB.
        """
        if self.profile is None:
            return picture, None
        try:
            profile = ImageCms.ImageCmsProfile(BytesIO(self.profile))
            if profile.profile.xcolor_space.strip() != "RGB":
                return picture, None
            if ImageCms.getProfileDescription(profile).startswith("sRGB IEC61966-2"):
                return picture, self.profile
            converted = ImageCms.profileToProfile(
                picture, ImageCms.createProfile("sRGB"), profile, outputMode="RGB"
            )
        except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):
            return picture, None
        return (picture, None) if converted is None else (converted, self.profile)


def _encode(main: _Entries, others: Mapping[int, _Entries]) -> bytes | None:
    """Return EXIF of a main directory and of others, by their tags; None if all are empty."""
    exif = Image.Exif()
    exif.update(main)
    for tag, entries in others.items():
        if entries:
            exif.get_ifd(tag).update(entries)
            exif[tag] = dict(entries)
    return exif.tobytes() if len(exif) else None


def _drop_longest(directories: Sequence[_Entries]) -> None:
    """Remove the longest entry from the directory that it is in."""
    entries = [(_length(value), each, tag) for each in directories for tag, value in each.items()]
    _, directory, tag = max(entries, key=itemgetter(0))
    del directory[tag]


def _length(value: Any) -> int:
    return len(value) if isinstance(value, bytes | str | tuple) else 1
