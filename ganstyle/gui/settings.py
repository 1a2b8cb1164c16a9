"""What the command line decides about the interface."""

from dataclasses import dataclass
from pathlib import Path

from ganstyle.gui.access import LOOPBACK


@dataclass(frozen=True)
class Settings:
    """What the command line decides.

    Attributes:
        styles: a folder of further styles.
        runs: the folder of training runs; it need not exist.
        vgg: see `find_vgg16`; nothing is downloaded.
        device: see `pick_device`.
        host: the address to listen on.
        port: None: a free one, 7860 if it is.
        login: user and password; None: nobody is asked.
        share: make a public link, through Gradio's servers.
    """

    styles: Path | None = None
    runs: Path = Path("runs")
    vgg: str = "auto"
    device: str = "auto"
    host: str = LOOPBACK
    port: int | None = None
    login: tuple[str, str] | None = None
    share: bool = False
