"""Export of a style as one graph, for any batch, height and width, checked against the original."""

import copy
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ganstyle._version import __version__
from ganstyle.errors import GanstyleError, one_line
from ganstyle.extras import require
from ganstyle.files import atomic_write
from ganstyle.images import resize
from ganstyle.models import InstanceNorm, takes_strength
from ganstyle.style import Style

EXPORT_FORMATS = {"onnx": ".onnx", "pt2": ".pt2"}
"""What a style can be exported as, and the suffix of its files."""

PARITY = 1e-4
"""The largest difference from the original that an exported graph may have, of values in [0, 1]."""

FLAT_PARITY = 1 / 510
"""The same for a photo of one pixel, half a level: its maps are flat, and norms enlarge rounding there."""

_SIZES = ((2, 5, 33), (1, 64, 64), (1, 203, 150), (1, 97, 260))  # batch, height, width
_ONE_PIXEL = ((1, 1, 1),)
_STRENGTHS = (1.0, 0.3)
_EXAMPLE = (2, 3, 72, 104)

Run = Callable[[Sequence[Tensor]], Tensor]
"""Runs a graph on its inputs."""


class _Norm(nn.Module):
    """A norm with one strength for all photos, so that the graph does not depend on their number."""

    def __init__(self, norm: InstanceNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        norm = self.norm
        gain: Tensor = norm.weight
        bias: Tensor = norm.bias
        if condition is not None:
            gain_change, bias_change = norm.changes(condition[:1])
            gain, bias = gain + gain_change[0], bias + bias_change[0]
        if norm.floor:
            variance, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)
            x = (x - mean) * norm.above_floor(variance)
        return F.group_norm(x, norm.num_channels, gain, bias, norm.eps)


class _Graph(nn.Module):
    """What is exported: a generator whose control flow does not depend on number and size of the photos."""

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = copy.deepcopy(generator)
        self.smallest = _smallest(generator)
        for parent in list(self.generator.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, InstanceNorm):
                    setattr(parent, name, _Norm(child))

    def forward(self, photo: Tensor, *strength: Tensor) -> Tensor:
        height, width = photo.shape[-2:]
        # Repeats the edge of small photos, and cuts that off again. Padding and slicing would tie the graph
        # to photos that need it, or to those that do not, as the example.
        rows, columns = (
            torch.arange(torch.sym_max(side, self.smallest)).clamp(max=side - 1) for side in (height, width)
        )
        padded = photo.index_select(2, rows).index_select(3, columns)
        painted: Tensor = self.generator(padded, *strength)
        return painted.index_select(2, torch.arange(height)).index_select(3, torch.arange(width))


def export_style(style: Style, path: str | Path, export_format: str | None = None) -> float:
    """Write a style as one graph, and check it; all of it or nothing.

    Its inputs are ``photo``, (B, 3, H, W) in [0, 1], and, for a style that was trained with it, ``strength``,
    (1,); its output is ``painting``. The file holds the recipe and what else is known of the style.

    Args:
        style: on any device.
        path: where to.
        export_format: one of `EXPORT_FORMATS`; None: by the path's suffix.

    Returns:
        The largest difference from the original that was found.

    Raises:
        GanstyleError: another format, the graph cannot be made or differs, or the file cannot be written.
        MissingExtraError: the extra ``export`` is not installed.
    """
    path = Path(path)
    kind = export_format or next((k for k, end in EXPORT_FORMATS.items() if end == path.suffix.lower()), None)
    if kind not in EXPORT_FORMATS:
        names = " or ".join(EXPORT_FORMATS)
        raise GanstyleError(f"{path}: cannot be exported as '{kind or path.suffix}'; give --format {names}")
    if kind == "onnx":
        for package in ("onnxscript", "onnxruntime"):
            require(package, "exporting to ONNX")
    generator = style.generator.to("cpu").eval()
    graph = _Graph(generator)
    inputs = _inputs(generator, *_EXAMPLE[::2], _EXAMPLE[3], 1.0)
    write = _write_onnx if kind == "onnx" else _write_pt2
    try:
        with _quietly(), torch.no_grad(), atomic_write(path) as temporary:
            run = write(graph, inputs, temporary, _metadata(style))
            differences = [
                _check(generator, run, sizes, path, bound=bound)
                for sizes, bound in ((_SIZES, PARITY), (_ONE_PIXEL, FLAT_PARITY))
            ]
    except GanstyleError:
        raise
    except Exception as error:  # an exporter may raise nearly anything
        reason = one_line(error, 200)
        raise GanstyleError(f"{path}: this style cannot be exported as {kind} ({reason})") from error
    return max(differences)


def _write_onnx(graph: nn.Module, inputs: list[Tensor], path: Path, metadata: dict[str, str]) -> Run:
    from ganstyle.export.onnx_style import open_session

    names = ["photo", "strength"][: len(inputs)]
    program = torch.onnx.export(
        graph,
        tuple(inputs),
        dynamo=True,
        dynamic_shapes=_dynamic_shapes(inputs),
        input_names=names,
        output_names=["painting"],
        verbose=False,
    )
    assert program is not None
    program.model.metadata_props.update(metadata)
    program.save(str(path), external_data=False)
    session = open_session(path)

    def run(values: Sequence[Tensor]) -> Tensor:
        given = {name: value.numpy() for name, value in zip(names, values, strict=True)}
        return torch.from_numpy(session.run(None, given)[0])

    return run


def _write_pt2(graph: nn.Module, inputs: list[Tensor], path: Path, metadata: dict[str, str]) -> Run:
    program = torch.export.export(graph, tuple(inputs), dynamic_shapes=_dynamic_shapes(inputs))
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={f"{key}.json": value for key, value in metadata.items()})
    path.write_bytes(buffer.getvalue())
    buffer.seek(0)
    module = torch.export.load(buffer).module()

    def run(values: Sequence[Tensor]) -> Tensor:
        painting: Tensor = module(*values)
        return painting

    return run


@torch.no_grad()
def _smallest(generator: nn.Module) -> int:
    """Return to how many pixels a generator pads the sides of smaller photos."""
    photo = _inputs(generator, 1, 2, 3, 1.0)[0]
    painted = generator(photo)
    for size in (64, 32, 16, 8, 4):
        padded = F.pad(photo, (0, size - 3, 0, size - 2), mode="replicate")
        if torch.allclose(generator(padded)[..., :2, :3], painted, rtol=0, atol=1e-5):
            return size
    return 1


def _dynamic_shapes(inputs: list[Tensor]) -> dict[str, object]:
    sizes = {0: torch.export.Dim.DYNAMIC, 2: torch.export.Dim.DYNAMIC, 3: torch.export.Dim.DYNAMIC}
    # PyTorch refuses the name of an argument that takes nothing.
    return {"photo": sizes, **({"strength": ({},)} if len(inputs) > 1 else {})}


def _inputs(generator: nn.Module, batch: int, height: int, width: int, strength: float) -> list[Tensor]:
    """Return a photo with flat and detailed parts, and the strength if the generator takes it."""
    noise = torch.Generator().manual_seed(0)
    photo = resize(torch.rand(batch, 3, 4, 5, generator=noise), (height, width))
    photo = (photo + torch.rand(photo.shape, generator=noise) * 0.2).clamp(0, 1)
    return [photo, torch.tensor([strength])] if takes_strength(generator) else [photo]


def _check(
    generator: nn.Module, run: Run, sizes: Sequence[tuple[int, int, int]], path: Path, *, bound: float
) -> float:
    """Return the largest difference between a graph and the generator that it was made from.

    Raises:
        GanstyleError: it is larger than ``bound``.
    """
    largest = 0.0
    for size in sizes:
        for strength in _STRENGTHS:
            inputs = _inputs(generator, *size, strength)
            difference = (run(inputs) - generator(*inputs)).abs().max()
            largest = max(largest, float(difference))
    if not largest <= bound:
        raise GanstyleError(
            f"{path}: the exported graph differs from the style by {largest:.2g}, more than {bound:.2g}; "
            "nothing was written"
        )
    return largest


def _metadata(style: Style) -> dict[str, str]:
    return {
        "ganstyle": __version__,
        "recipe": json.dumps(style.recipe.to_dict()),
        "info": json.dumps(dict(style.info)),
    }


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's remarks, which are about torch's own workings, from the user."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
