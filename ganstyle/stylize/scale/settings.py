"""How the photos of a collection are painted, and how processes share them."""

from dataclasses import dataclass

from ganstyle.images import MAX_PIXELS, SavingOptions
from ganstyle.stylize.controls import PLAIN, Controls
from ganstyle.stylize.scale.claims import Claims
from ganstyle.stylize.scale.content import ContentRecord
from ganstyle.stylize.scale.pipeline import Depth
from ganstyle.stylize.scale.workers import Worker
from ganstyle.stylize.strokes import TRAINED_SIDE
from ganstyle.stylize.tiles import TileSize


@dataclass(frozen=True, kw_only=True)
class PaintSettings:
    """How photos are painted; the arguments of these names of `ganstyle.stylize.stylize_plan`."""

    controls: Controls = PLAIN
    trained_side: int = TRAINED_SIDE
    tile: TileSize = "auto"
    overwrite: bool = False
    max_pixels: int = MAX_PIXELS
    max_side: int | None = None
    saving: SavingOptions = SavingOptions()  # noqa: RUF009 - frozen


@dataclass(frozen=True, kw_only=True)
class Sharing:
    """How work is shared; the arguments of these names of `ganstyle.stylize.stylize_plan`."""

    content: ContentRecord | None = None
    worker: Worker = Worker()  # noqa: RUF009 - frozen
    claims: Claims | None = None
    depth: Depth = Depth()  # noqa: RUF009 - frozen
