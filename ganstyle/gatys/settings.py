"""The baseline's settings. Their defaults are written here only; nothing heavy is imported."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

CONTENT_LAYERS: Mapping[str, float] = {"relu3_3": 1.0}
STYLE_LAYERS: Mapping[str, float] = {"relu1_2": 1.0, "relu2_2": 1.0, "relu3_3": 1.0}
LAYERS: Sequence[str] = tuple(dict.fromkeys([*CONTENT_LAYERS, *STYLE_LAYERS]))
"""The layers that a feature network must return."""

PreserveColor = Literal["off", "luminance", "match"]
PRESERVE_COLOR: tuple[str, ...] = get_args(PreserveColor)

RENAMED = {"anneal": "cma-es"}
"""Old name of an optimizer → what it is called today."""


def current_name(optimizer: str) -> str:
    """Return what an optimizer is called today, with a warning if that is another name."""
    if optimizer not in RENAMED:
        return optimizer
    warnings.warn(
        f"optimizer '{optimizer}' is now called '{RENAMED[optimizer]}'; write that instead",
        FutureWarning,
        stacklevel=3,
    )
    return RENAMED[optimizer]


@dataclass(frozen=True)
class GatysSettings:
    """How a picture is optimized. `ganstyle.gatys.optimize` checks the values.

    Attributes:
        optimizer: a name out of ``OPTIMIZERS``.
        optimizer_options: keywords of that optimizer.
        steps: the most steps, over all scales.
        tolerance: stop at a scale when its loss has fallen by less than this fraction over 20 evaluations
            (without gradients: over 100); 0: never. Optimizers that follow a schedule run to its end.
        seconds: stop after about these; None: no limit.
        max_evaluations: stop after this many forward and backward passes of the network; None: no limit.
        size: shorter side of the result, in pixels; None: the photo's (of a texture: the first painting's).
        scales: "auto" works from small to large, "single" at the final size alone; or the shorter sides.
        start: "content" or "noise"; without a photo, noise. A picture to begin with is an argument of
            `optimize`.
        content_weight: of the content term.
        style_weight: of the style term.
        tv_weight: of the total variation.
        content_layers: layer → weight.
        style_layers: layer → weight.
        content_octaves: on how many sizes of photo and picture the content is compared: the full one, its
            half, a quarter, …; fewer where the picture is too small.
        style_octaves: likewise for the style; the painting's large forms need the small sizes.
        preserve_color: "luminance" takes only light and dark from the optimization, and the colors from the
            photo; "match" moves the paintings' colors to the photo's first; "off" takes the paintings'.
        photorealistic: only let the photo's colors change affinely in each place (Luan et al. 2017).
        seed: of the noise, and of optimizers that draw at random.
    """

    optimizer: str = "lbfgs"
    optimizer_options: Mapping[str, object] = field(default_factory=dict)
    steps: int = 200
    tolerance: float = 0.02
    seconds: float | None = None
    max_evaluations: float | None = None
    size: int | None = None
    scales: str | Sequence[int] = "auto"
    start: str = "content"
    content_weight: float = 1.0
    style_weight: float = 30.0
    tv_weight: float = 0.1
    content_layers: Mapping[str, float] = field(default_factory=lambda: dict(CONTENT_LAYERS))
    style_layers: Mapping[str, float] = field(default_factory=lambda: dict(STYLE_LAYERS))
    content_octaves: int = 3
    style_octaves: int = 4
    preserve_color: str = "off"
    photorealistic: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "optimizer", current_name(self.optimizer))

    @property
    def layers(self) -> list[str]:
        """The layers that the network must give."""
        return list(dict.fromkeys([*self.content_layers, *self.style_layers]))

    @property
    def octaves(self) -> int:
        """On how many sizes of the picture the network is run."""
        return max(self.content_octaves, self.style_octaves)

    @property
    def weights(self) -> dict[str, float]:
        """The weights of the standard terms by name."""
        return {"content": self.content_weight, "style": self.style_weight, "tv": self.tv_weight}

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as plain values, as JSON has them."""
        return asdict(self)

    def describe(self) -> str:
        """Name the most important settings in a line."""
        weights = ", ".join(f"{term} {weight:g}" for term, weight in self.weights.items())
        scales = self.scales if isinstance(self.scales, str) else "/".join(map(str, self.scales))
        return (
            f"{self.optimizer}, {self.steps} steps, {scales} scales, {self.style_octaves} octaves, "
            f"weights: {weights}"
        )


@dataclass(frozen=True)
class BenchmarkSettings:
    """How optimizers are compared. `compare_optimizers` checks the values.

    Attributes:
        optimizers: names out of ``OPTIMIZERS``; empty: all that are installed.
        seconds: the one budget of each run.
        evaluations: the other one; see `Iterate.evaluations` for what counts as an evaluation.
        size: shorter side of the photo and the paintings, in pixels.
        seeds: runs of an optimizer that depends on random numbers, with seeds 0, 1, ….
        precision: what the network computes in while it is optimized against: "fp32" or "bf16".
        objective: the weights, layers and start that all have in common.
    """

    optimizers: Sequence[str] = ()
    seconds: float = 60.0
    evaluations: float = 200.0
    size: int = 192
    seeds: int = 3
    precision: str = "fp32"
    objective: GatysSettings = field(default_factory=GatysSettings)


DEFAULTS = GatysSettings()
