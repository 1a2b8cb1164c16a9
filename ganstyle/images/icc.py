"""Conversion of Pillow images to opaque sRGB."""

from io import BytesIO

from PIL import Image, ImageCms


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Convert an image of 8 bits per channel to RGB, by its profile if it has one, on white.

    Args:
        image: of any mode that Pillow converts.
        profile: an ICC profile.

    Returns:
        An RGB image of the same size.
    """
    alpha: Image.Image | None = None
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        alpha = rgba.getchannel("A")
        # Gray stays gray until its profile, which is one for a single channel, has been applied.
        image = image.getchannel("L") if image.mode in ("L", "LA") else rgba.convert("RGB")
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = image.convert("L" if image.mode == "1" else "RGB")
    if profile:
        image = _apply_profile(image, profile)
    if image.mode != "RGB":
        image = image.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", image.size, "white")
        image = Image.composite(image, white, alpha)
    return image


def _apply_profile(image: Image.Image, profile: bytes) -> Image.Image:
    """Convert to sRGB by an ICC profile; one that is damaged or does not fit is ignored."""
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
        if image.mode == "RGB" and ImageCms.getProfileDescription(source).startswith("sRGB IEC61966-2"):
            return image  # sRGB to sRGB would only add rounding errors
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, ImportError, OSError, TypeError, ValueError):
        return image
    return image if converted is None else converted
