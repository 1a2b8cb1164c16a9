"""``ganstyle stylize --animate``."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ganstyle.cli.common import is_given
from ganstyle.cli.inputs import open_style
from ganstyle.cli.outputs import check_outputs
from ganstyle.cli.progress import ProgressLine, tell

if TYPE_CHECKING:
    import typer

    from ganstyle.stylize import Controls

_LONGER_SIDE = 640  # pixels; a GIF of a large photo would be hundreds of MB


def check_alone(context: "typer.Context", option: str, others: Collection[str]) -> None:
    """Raise GanstyleError if a parameter was given that does not go with an option; ``others`` do."""
    from ganstyle.errors import GanstyleError

    given = [
        parameter.opts[0]
        for parameter in context.command.params
        if parameter.name not in others and is_given(context, str(parameter.name))
    ]
    if given:
        raise GanstyleError(f"{option} does not go with {' and '.join(given)}; leave one of them out")


def animate_photo(
    photos: Sequence[Path],
    output: Path,
    styles: Sequence[str],
    controls: "Controls",
    *,
    max_side: int | None,
    device: str,
    force: bool,
) -> None:
    """Write the GIF of one photo that turns into its painting, or from one painting into the next.

    Raises:
        GanstyleError: there is more than one photo, no style, or something cannot be read or written.
    """
    from ganstyle.devices import limit_threads, pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.images import read_image, shrink
    from ganstyle.video.transition import write_transition

    if len(photos) != 1 or photos[0].is_dir():
        raise GanstyleError("--animate: give one photo, not several and not a folder")
    if not styles:
        raise GanstyleError("--animate: no style is given; give -s NAME, or several -s PAINTING")
    check_outputs(saved=output, force=force)
    loaded, torch_device = [open_style([name], None) for name in styles], pick_device(device)
    for style in loaded:
        style.generator.to(torch_device)
    limit_threads()
    photo = shrink(read_image(photos[0]), max_side or _LONGER_SIDE)
    line = ProgressLine("pictures")

    def report(done: int, total: int) -> None:
        line(f"[{done}/{total}] {photos[0]} -> {output}", done, total)

    count = write_transition(output, photo, loaded, controls, overwrite=force, on_progress=report)
    tell(f"{photos[0]} -> {output}  ({count} pictures)")
