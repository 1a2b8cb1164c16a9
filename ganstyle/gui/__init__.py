"""The graphical interface: Gradio over the same functions that the command line calls."""
