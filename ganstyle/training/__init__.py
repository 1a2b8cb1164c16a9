"""Training a style: one loop over Accelerate, and what it needs around it."""

from ganstyle.runs.events import Event, Note, Progress, Saved, Scored
from ganstyle.training.loop import Outcome, train

__all__ = ["Event", "Note", "Outcome", "Progress", "Saved", "Scored", "train"]
