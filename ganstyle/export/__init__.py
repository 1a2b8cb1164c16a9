"""Export of styles to run without ganstyle, and the use of what was exported."""

from ganstyle.export.graph import EXPORT_FORMATS, export_style
from ganstyle.export.onnx_style import load_onnx

__all__ = ["EXPORT_FORMATS", "export_style", "load_onnx"]
