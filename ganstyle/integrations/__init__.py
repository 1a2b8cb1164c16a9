"""ganstyle inside other programs."""
