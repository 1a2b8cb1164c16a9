"""Content photos and style paintings: finding, reading, cropping and batching them for training."""

from ganstyle.data.content import CONTENT_KINDS, ContentSource, open_content
from ganstyle.data.style import StyleImages
from ganstyle.data.training import TrainingData, training_loader

__all__ = [
    "CONTENT_KINDS",
    "ContentSource",
    "StyleImages",
    "TrainingData",
    "open_content",
    "training_loader",
]
