"""Pixels: image files to tensors and back, geometry and color. Nothing else opens an image file."""

from ganstyle.images.codec import (
    MAX_PIXELS,
    check_image,
    decode_image,
    encode_jpeg,
    encode_png,
    output_format,
    read_image,
    write_image,
)
from ganstyle.images.convert import from_pil, to_pil
from ganstyle.images.formats import FORMAT_SUFFIXES, READ_SUFFIXES, UNREADABLE_SUFFIXES, WRITE_FORMATS
from ganstyle.images.listing import ImageListing, UnreadablePath, find_images
from ganstyle.images.photo import Photo, SavingOptions, read_metadata, read_photo, write_photo
from ganstyle.images.transforms import (
    central_square,
    enlarge,
    image_grid,
    middle_part,
    resize,
    resize_shorter,
    shrink,
    with_detail,
)

__all__ = [
    "FORMAT_SUFFIXES",
    "MAX_PIXELS",
    "READ_SUFFIXES",
    "UNREADABLE_SUFFIXES",
    "WRITE_FORMATS",
    "ImageListing",
    "Photo",
    "SavingOptions",
    "UnreadablePath",
    "central_square",
    "check_image",
    "decode_image",
    "encode_jpeg",
    "encode_png",
    "enlarge",
    "find_images",
    "from_pil",
    "image_grid",
    "middle_part",
    "output_format",
    "read_image",
    "read_metadata",
    "read_photo",
    "resize",
    "resize_shorter",
    "shrink",
    "to_pil",
    "with_detail",
    "write_image",
    "write_photo",
]
