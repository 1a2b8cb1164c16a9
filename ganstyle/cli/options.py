"""Options that several commands declare alike."""

from typing import Annotated

import typer

Vgg = Annotated[str, typer.Option(help="auto, distilled, imagenet, or a file of weights.")]
"""The feature network; see ``ganstyle.weights.find_vgg16``."""

Inception = Annotated[str, typer.Option(help="FID's network: auto, off (VGG-16 instead), or its file.")]

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
"""Where to compute; see ``ganstyle.devices.pick_device``."""

ForceReport = Annotated[bool, typer.Option("--force", help="Replace a report and a JSON file that exist.")]
ForceJson = Annotated[bool, typer.Option("--force", help="Replace the JSON file if it exists.")]
