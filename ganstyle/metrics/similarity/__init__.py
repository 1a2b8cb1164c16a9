"""Similarity of a picture to its photo, and of its style to the painting's."""
