"""``ganstyle optimize``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganstyle.cli.common import INTERRUPTED, is_given, pick_precision
from ganstyle.cli.inputs import first_painting, read_options, read_start_image, read_styles
from ganstyle.cli.options import Device, Vgg
from ganstyle.cli.outputs import check_outputs, write_json, write_picture
from ganstyle.cli.progress import INTERVAL, ProgressLine, Quiet, tell
from ganstyle.gatys.settings import DEFAULTS

if TYPE_CHECKING:
    from ganstyle.gatys import OptimizationEvent

_SIZE = 512


def optimize(
    context: typer.Context,
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="CONTENT STYLE",
            help="The photo, then one or more paintings or folders of them.",
            show_default=False,
        ),
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The image file to write.", show_default=False)
    ],
    optimizer: Annotated[
        str, typer.Option(help="lbfgs, newton-cg, adam, langevin or cma-es.")
    ] = DEFAULTS.optimizer,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="An option of the optimizer, such as metropolis=true; repeatable."
        ),
    ] = None,
    steps: Annotated[
        int, typer.Option(metavar="N", help="At most this many optimizer steps, over all scales.")
    ] = DEFAULTS.steps,
    tolerance: Annotated[
        float,
        typer.Option(
            metavar="T",
            help="Stop at a size when the loss has fallen by less than this fraction over 20 evaluations; "
            "0: never.",
        ),
    ] = DEFAULTS.tolerance,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="Stop after this many seconds.")
    ] = DEFAULTS.seconds,
    size: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Shorter side of the picture in pixels; the photo's if not given, but at most {_SIZE}.",
        ),
    ] = None,
    content_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the content loss.")
    ] = DEFAULTS.content_weight,
    style_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the style loss.")
    ] = DEFAULTS.style_weight,
    octaves: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="On how many sizes the paintings' style is compared: the full one, its half, a quarter, …; "
            f"the photo's content on {DEFAULTS.content_octaves} of them at the most.",
        ),
    ] = DEFAULTS.style_octaves,
    tv_weight: Annotated[
        float, typer.Option(metavar="W", help="Weight of the total-variation loss (smoothness).")
    ] = DEFAULTS.tv_weight,
    mix: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,…", help="Weights of the paintings, in order, such as 2,1; equal if not given."
        ),
    ] = None,
    start: Annotated[
        str, typer.Option(metavar="WHAT", help="Start from: content, noise, or an image file.")
    ] = DEFAULTS.start,
    single_scale: Annotated[
        bool, typer.Option("--single-scale", help="Work at full size only, instead of coarse to fine.")
    ] = False,
    texture: Annotated[
        bool, typer.Option("--texture", help="Synthesize a texture of the paintings, without a photo.")
    ] = False,
    photorealistic: Annotated[
        bool, typer.Option("--photorealistic", help="Change the photo's colors, but keep its lines.")
    ] = DEFAULTS.photorealistic,
    content_mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Regions of the photo, one color each.")
    ] = None,
    style_mask: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="The same regions in the painting; once per painting."),
    ] = None,
    preserve_color: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="Keep the photo's colors: off, luminance (only light and dark change) or match "
            "(the painting is recolored first).",
        ),
    ] = DEFAULTS.preserve_color,
    seed: Annotated[int, typer.Option(help="Random seed.")] = DEFAULTS.seed,
    vgg: Vgg = "auto",
    precision: Annotated[str, typer.Option(help="Precision of the network: auto, fp32 or bf16.")] = "auto",
    device: Device = "auto",
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write loss, steps and times as JSON.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the output if it exists. Inputs never are.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Paint a photo by optimizing its pixels (Gatys et al. 2016).

    Slow, but needs no training. Ctrl-C ends it early: the best picture so far is written, and the exit code
    is 130.
    """
    from ganstyle.devices import pick_device
    from ganstyle.errors import GanstyleError
    from ganstyle.gatys import GatysSettings, TermFactory
    from ganstyle.gatys import optimize as run_optimization
    from ganstyle.gatys.memory import explain_out_of_memory
    from ganstyle.gatys.regions import region_style_term
    from ganstyle.images import check_image, read_image, resize_shorter
    from ganstyle.losses.regions import read_regions
    from ganstyle.weights import find_vgg16, load_vgg16

    if len(images) < (1 if texture else 2):
        raise GanstyleError("name a photo and a painting; or with --texture, a painting alone")
    if texture and content_weight and is_given(context, "content_weight"):
        raise GanstyleError("--content-weight: a texture has no photo whose content counts; leave it out")
    if texture and start == "content":
        if is_given(context, "start"):
            raise GanstyleError("--start content: a texture has no photo; give noise or an image file")
        start = "noise"
    photo, sources = (None, images) if texture else (images[0], images[1:])
    style_masks = style_mask or []
    masks = [content_mask, *style_masks] if content_mask else style_masks
    check_outputs(image=output, json_file=json_file, force=force)
    if masks and (photo is None or content_mask is None or not style_masks):
        raise GanstyleError("regions need --content-mask and, for each painting, --style-mask")
    where = pick_device(device)

    guide = check_image(photo or first_painting(sources))
    shorter = min(*guide, _SIZE) if size is None else size
    settings = GatysSettings(
        optimizer=optimizer,
        optimizer_options=read_options(option or []),
        steps=steps,
        tolerance=tolerance,
        seconds=seconds,
        size=shorter,
        scales="single" if single_scale else "auto",
        start="noise" if start == "noise" else "content",
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        content_octaves=min(octaves, DEFAULTS.content_octaves),
        style_octaves=octaves,
        preserve_color=preserve_color,
        photorealistic=photorealistic,
        seed=seed,
    )
    with explain_out_of_memory(shorter, where):
        content = None if photo is None else resize_shorter(read_image(photo), shorter).to(where)
        styles, paths, shares = read_styles(sources, shorter, mix)
    if style_masks and len(style_masks) != len(paths):
        raise GanstyleError(f"{len(style_masks)} style masks for {len(paths)} paintings; give one each")
    terms: dict[str, tuple[float, TermFactory]] = {}
    if content_mask:
        regions = region_style_term(
            settings.style_layers,
            content_regions=read_regions(content_mask, guide),
            style_regions=[
                read_regions(mask, check_image(path)) for mask, path in zip(style_masks, paths, strict=True)
            ],
            style_weights=shares,
            octaves=octaves,
        )
        terms["style"] = (style_weight, regions)
    start_image = read_start_image(start, where)
    weights = find_vgg16(vgg)
    dtype = pick_precision(precision, where)
    features = load_vgg16(weights, settings.layers, dtype=dtype, padding="replicate").to(where)
    tell(f"{weights.name}, SHA-256 {weights.sha256}")
    if shorter < features.minimum:
        what = photo or sources[0] if size is None else f"--size {size}"
        raise GanstyleError(
            f"{what}: too small for the network; give {features.minimum} pixels or more a side"
        )
    try:
        result = run_optimization(
            content,
            [style.to(where) for style in styles],
            features=features,
            settings=settings,
            style_weights=shares,
            start_image=start_image,
            terms=terms,
            callback=_Progress(),
        )
    except KeyboardInterrupt:
        tell("interrupted before there was a picture: nothing is written", err=True)
        raise typer.Exit(INTERRUPTED) from None
    write_picture(result.image, output)
    tell(
        f"{output}: loss {result.loss:.4f} after {result.steps} steps, "
        f"{result.evaluations:.0f} evaluations, {result.seconds:.1f} s{_why(result.ended_by)}"
    )
    if json_file is not None:
        values = {
            "content": None if photo is None else str(photo),
            "styles": [str(path) for path in paths],
            "style_weights": shares,
            "output": str(output),
            "optimizer": settings.optimizer,
            "optimizer_options": settings.optimizer_options,
            "size": shorter,
            "preserve_color": preserve_color,
            "photorealistic": photorealistic,
            "seed": seed,
            "settings": {**settings.as_dict(), "start": start},
            "vgg": weights.identity,
            "loss": result.loss,
            "terms": dict(result.terms),
            "steps": result.steps,
            "evaluations": result.evaluations,
            "seconds": round(result.seconds, 3),
            "interrupted": result.interrupted,
            "ended_by": result.ended_by,
            "history": result.history,
        }
        write_json(json_file, values)
    if result.interrupted:
        tell("interrupted: this is the best picture so far", err=True)
        raise typer.Exit(INTERRUPTED)


def _why(ended_by: str) -> str:
    """Say what ended an optimization, where that is not a limit that was asked for."""
    return {
        "tolerance": "; the loss no longer falls (--tolerance 0 keeps going)",
        "optimizer": "; the optimizer finds no further progress",
    }.get(ended_by, "")


class _Progress:
    """Prints a line now and then, and every message."""

    def __init__(self) -> None:
        self._line = ProgressLine()
        self._printed = 0.0
        self._scale: int | None = None

    def __call__(self, event: "OptimizationEvent") -> None:
        from ganstyle.runs.events import Message

        if isinstance(event, Message):
            tell(event.text, err=True)
            return
        # The optimizer's clock, which stands still while progress is shown.
        due = event.seconds >= self._printed + INTERVAL
        always = due or event.scale != self._scale or event.step >= event.steps
        if always:
            self._printed, self._scale = event.seconds, event.scale
        terms = "".join(f"  {name} {value:.4f}" for name, value in event.terms.items())
        self._line(
            f"step {event.step:{len(str(event.steps))}}/{event.steps}  {event.scale} px"
            f"  loss {event.loss:.4f}{terms}  {event.seconds:.0f} s",
            event.step,
            event.steps,
            always=always,
        )
