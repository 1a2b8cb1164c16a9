"""Options that several commands declare alike."""

from typing import Annotated

import typer

Vgg = Annotated[str, typer.Option(help="auto, distilled, imagenet, or a file of weights.")]
"""The feature network; see ``ganstyle.weights.find_vgg16``."""

Inception = Annotated[str, typer.Option(help="FID's network: auto, off (VGG-16 instead), or its file.")]

Styles = Annotated[
    list[str] | None,
    typer.Option(
        "-s",
        "--style",
        help="A shipped style's name, a checkpoint's path, hf://user/name, or a painting's image file. "
        "Repeat it to mix paintings.",
        show_default=False,
    ),
]
"""What to paint with; see ``ganstyle.cli.several.open_painter``."""

Mix = Annotated[
    str | None, typer.Option(metavar="N,N…", help="Weights of several paintings, in order, such as 2,1.")
]

Blend = Annotated[
    str | None,
    typer.Option(
        metavar="NAME=N,NAME=N…",
        help="Average the pictures of several styles, such as starry_night=0.6,wave=0.4, instead of -s.",
    ),
]

StrokeSize = Annotated[
    str,
    typer.Option(
        metavar="N|fine",
        help="How large strokes are relative to the picture: 1 as in training, 2 twice as large, "
        "at most 4; fine: as fine as the style paints at full size.",
    ),
]

Strength = Annotated[
    float,
    typer.Option(help="Strength of the style: 0 leaves the input as it is, 1 is as trained, at most 1.5."),
]

PreserveColor = Annotated[
    bool, typer.Option("--preserve-color", help="Keep the input's colors; change only light and dark.")
]

Tile = Annotated[
    str,
    typer.Option(
        metavar="auto|N|off",
        help="Paint in tiles of at most N pixels a side: less memory, the same picture. auto: for "
        "pictures of more than 4 megapixels, and for smaller ones where memory is scarce.",
    ),
]

Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
"""Where to compute; see ``ganstyle.devices.pick_device``."""

ForceReport = Annotated[bool, typer.Option("--force", help="Replace a report and a JSON file that exist.")]
ForceJson = Annotated[bool, typer.Option("--force", help="Replace the JSON file if it exists.")]
