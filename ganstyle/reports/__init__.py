"""What reports are drawn with: figures, HTML and number formats."""

from pathlib import Path

STYLE_SHEET = Path(__file__).with_name("report.css")
