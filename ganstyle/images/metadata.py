"""What a photo's file says about it, and what of that its painting's file may say too."""

from dataclasses import dataclass
from io import BytesIO

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

_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
_INTEROPERABILITY = ExifTags.IFD.Interop


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

    def exif_bytes(self, *, gps: bool) -> bytes | None:
        """Return EXIF for a painting of the photo that is upright, or None.

        The place where the photo was taken is left out unless it is asked for; so is the preview, which
        shows the photo.
        """
        kept = Image.Exif()
        for tag in _KEPT:
            if tag in self.exif:
                kept[tag] = self.exif[tag]
        for directory in _DIRECTORIES if gps else _DIRECTORIES[:1]:
            entries = dict(self.exif.get_ifd(directory))
            entries.pop(_INTEROPERABILITY, None)  # where something lay in the photo's file
            if entries:
                kept.get_ifd(directory).update(entries)
                kept[directory] = entries
        if not len(kept):
            return None
        try:
            return kept.tobytes()
        except Exception:  # damaged values
            return None

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
