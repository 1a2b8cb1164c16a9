"""Training a style: one loop over Accelerate, and what it needs around it."""

from ganstyle.runs.events import Event, Message, Progress, Saved, Scored
from ganstyle.training.loop import TrainedStyle, train

__all__ = ["Event", "Message", "Progress", "Saved", "Scored", "TrainedStyle", "train"]
