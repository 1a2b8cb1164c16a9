"""How fast the generators are, beside the network that most people know.

    python tests/benchmarks/generator_speed.py --threads 2

Times each generator by turns with the PyTorch examples' TransformerNet, untrained and in float32, and prints
the best of all turns, how many times as fast that is, and the memory that one photo needs at its peak, above
that of the built network, in a process of its own. Then what bfloat16 saves and changes in a trained style.
"""

import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from ganstyle.devices import PeakMemory
from ganstyle.images import read_image, resize
from ganstyle.models import GENERATORS
from ganstyle.style import load_style

SIZES = ((512, 512), (1080, 1920))
_PHOTO = Path(__file__).parents[2] / "ganstyle" / "assets" / "astronaut.jpg"


def _conv(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.ReflectionPad2d(kernel // 2), nn.Conv2d(inputs, outputs, kernel, stride))


def _normed(*layers: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(*layers, nn.InstanceNorm2d(channels, affine=True), nn.ReLU())


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _normed(_conv(channels, channels, 3), channels=channels)
        self.second = nn.Sequential(_conv(channels, channels, 3), nn.InstanceNorm2d(channels, affine=True))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.second(self.first(x))
        return out


def transformer_net() -> nn.Module:
    """Build the layers of the TransformerNet of pytorch/examples, fast_neural_style."""
    double = nn.Upsample(scale_factor=2, mode="nearest")
    return nn.Sequential(
        _normed(_conv(3, 32, 9), channels=32),
        _normed(_conv(32, 64, 3, 2), channels=64),
        _normed(_conv(64, 128, 3, 2), channels=128),
        *(_Residual(128) for _ in range(5)),
        _normed(double, _conv(128, 64, 3), channels=64),
        _normed(double, _conv(64, 32, 3), channels=32),
        _conv(32, 3, 9),
    )


CANDIDATES: dict[str, Callable[[], nn.Module]] = {
    "TransformerNet": transformer_net,
    "resnet": GENERATORS["resnet"],
    "resnet width=16 kernel=5": lambda: GENERATORS["resnet"](width=16, kernel=5),
    "unet width=16": lambda: GENERATORS["unet"](width=16),
    "lean": GENERATORS["lean"],
    "lean antialias": lambda: GENERATORS["lean"](antialias=True, strength=True),
    "lean strength": lambda: GENERATORS["lean"](strength=True),
    "lean coarse=2": lambda: GENERATORS["lean"](coarse=2),
    "lean coarse=2 antialias": lambda: GENERATORS["lean"](coarse=2, antialias=True, strength=True),
    "lean coarse=3 width=128": lambda: GENERATORS["lean"](coarse=3, coarse_width=128),
    "lean width=24": lambda: GENERATORS["lean"](width=24),
    "lean width=40": lambda: GENERATORS["lean"](width=40),
    "lean width=48": lambda: GENERATORS["lean"](width=48),
    "lean width=24 depth=3": lambda: GENERATORS["lean"](width=24, depth=3),
    "lean width=32 depth=3": lambda: GENERATORS["lean"](width=32, depth=3),
}


def build(name: str) -> nn.Module:
    """Build a candidate for use."""
    return CANDIDATES[name]().eval().requires_grad_(False)


def peak_memory(name: str, size: tuple[int, int], threads: int) -> float:
    """Return the MiB that one photo needs; in a fresh process, which measures once."""
    torch.set_num_threads(threads)
    model, photo = build(name), torch.rand(1, 3, *size)
    with torch.inference_mode(), PeakMemory(torch.device("cpu")) as memory:
        model(photo)
    return memory.bytes / 2**20


def best_seconds(models: dict[str, nn.Module], photo: Tensor, turns: int) -> dict[str, float]:
    """Time the models one after the other, so that whatever else the machine does meets them all."""
    best = dict.fromkeys(models, float("inf"))
    with torch.inference_mode():
        for _ in range(turns):
            for name, model in models.items():
                start = time.perf_counter()
                model(photo)
                best[name] = min(best[name], time.perf_counter() - start)
    return best


def main(
    threads: Annotated[int, typer.Option(min=1)] = 2,
    turns: Annotated[int, typer.Option(min=1)] = 5,
    only: Annotated[
        list[str] | None, typer.Option(help="Of the candidates, these and TransformerNet.")
    ] = None,
    style: Annotated[str, typer.Option(help="The trained style for bfloat16.")] = "wave",
    memory: Annotated[bool, typer.Option(help="Measure it too.")] = True,
) -> None:
    """Compare the generators' speed and memory."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    models = {name: build(name) for name in CANDIDATES if only is None or name in ("TransformerNet", *only)}
    best = {size: best_seconds(models, torch.rand(1, 3, *size), turns) for size in SIZES}
    for name, model in models.items():
        with FlopCounterMode(display=False) as flops, torch.no_grad():
            model(torch.rand(1, 3, 512, 512))
        columns = [
            f"{name:<26}",
            f"{sum(p.numel() for p in model.parameters()) / 1e6:5.2f} M",
            f"{flops.get_total_flops() / 1e9:5.1f} GFLOP",
        ]
        for size in SIZES:
            seconds, times = best[size][name], best[size]["TransformerNet"] / best[size][name]
            columns.append(f"{size[1]}x{size[0]}: {seconds * 1e3:6.0f} ms, {times:4.1f} times")
            if memory:
                with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                    columns.append(f"{pool.submit(peak_memory, name, size, threads).result():5.0f} MiB")
        typer.echo("  ".join(columns))

    _report_bfloat16(style, turns)


def _report_bfloat16(style: str, turns: int) -> None:
    generator = load_style(style).generator
    photo = resize(read_image(_PHOTO), (512, 512))
    half = {"float32": generator, "bfloat16": _in_bfloat16(generator)}
    seconds = best_seconds(half, photo, turns)
    corners = torch.tensor([[0.1, 0.8], [0.3, 0.9]]).expand(1, 3, 2, 2)
    slope = F.interpolate(corners, (512, 512), mode="bilinear", align_corners=True)
    on_photo, on_slope = (
        float((half["bfloat16"](x) - generator(x)).abs().mean()) * 255 for x in (photo, slope)
    )
    typer.echo(
        f"{style} in bfloat16: {seconds['float32'] / seconds['bfloat16']:.2f} times as fast, mean difference "
        f"{on_photo:.2f} levels of 255 on a photo, {on_slope:.2f} on a smooth slope"
    )


def _in_bfloat16(generator: nn.Module) -> nn.Module:
    class Half(nn.Module):
        @torch.inference_mode()
        def forward(self, x: Tensor) -> Tensor:
            with torch.autocast(x.device.type, torch.bfloat16):
                image: Tensor = generator(x)
            return image

    return Half()


if __name__ == "__main__":
    typer.run(main)
