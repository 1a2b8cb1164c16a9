"""Training a style: one loop over Accelerate, and what it needs around it."""

from ganstyle.runs.events import Event, Message, Progress, Saved, Scored
from ganstyle.training.loop import Outcome, train

__all__ = ["Event", "Message", "Outcome", "Progress", "Saved", "Scored", "train"]
