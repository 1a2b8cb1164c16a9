"""Putting a trained generator to use: on one image, on files and folders."""

from ganstyle.stylize.controls import Controls, fit_mask, read_mask
from ganstyle.stylize.folder import FileEvent, Summary, plan_outputs, result_name, stylize_files
from ganstyle.stylize.image import stylize_image

__all__ = [
    "Controls",
    "FileEvent",
    "Summary",
    "fit_mask",
    "plan_outputs",
    "read_mask",
    "result_name",
    "stylize_files",
    "stylize_image",
]
