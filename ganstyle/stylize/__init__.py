"""Inference with a trained generator: on one image, on files and folders."""

from ganstyle.stylize.controls import (
    FINE,
    MAX_STROKE_SIZE,
    PLAIN,
    Controls,
    fit_mask,
    parse_stroke_size,
    read_mask,
)
from ganstyle.stylize.event import FileEvent, Status, Summary
from ganstyle.stylize.folder import stylize_plan
from ganstyle.stylize.image import stylize_image
from ganstyle.stylize.layers import Layer, LayeredGenerator
from ganstyle.stylize.painter import PhotoPainter
from ganstyle.stylize.plan import PlannedFile, plan_outputs, result_name
from ganstyle.stylize.regions import DEFAULT_FEATHER, make_region
from ganstyle.stylize.tiles import TileSize, parse_tile

__all__ = [
    "DEFAULT_FEATHER",
    "FINE",
    "MAX_STROKE_SIZE",
    "PLAIN",
    "Controls",
    "FileEvent",
    "Layer",
    "LayeredGenerator",
    "PhotoPainter",
    "PlannedFile",
    "Status",
    "Summary",
    "TileSize",
    "fit_mask",
    "make_region",
    "parse_stroke_size",
    "parse_tile",
    "plan_outputs",
    "read_mask",
    "result_name",
    "stylize_image",
    "stylize_plan",
]
