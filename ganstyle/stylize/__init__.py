"""Putting a trained style to use: on one image, on files and folders."""

from ganstyle.stylize.folder import FileEvent, Summary, plan_outputs, stylize_files
from ganstyle.stylize.image import stylize_image

__all__ = ["FileEvent", "Summary", "plan_outputs", "stylize_files", "stylize_image"]
