"""A style on the CPU: PyTorch, onnxruntime, OpenVINO, and onnxruntime with INT8 convolutions.

    python tests/benchmarks/inference_engines.py PHOTO PHOTO PHOTO --calibration PHOTOS --style wave

All take turns on the same photo; the fastest turn of each counts, in processor time, which other work on the
machine changes little. Differences are from PyTorch's picture, in levels of 255, the mean over the photos and
the largest. Needs the extra ``export``; OpenVINO if it is installed.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import onnx
import onnxruntime
import torch
import typer
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from torch import Tensor

from ganstyle.export import export_style
from ganstyle.extras import is_installed
from ganstyle.images import find_images, read_image, resize
from ganstyle.style import load_style

SIZES = {"512x512": (512, 512), "1920x1080": (1080, 1920)}
Paint = Callable[[Tensor], Tensor]
ONE = np.ones(1, np.float32)


class Photos(CalibrationDataReader):  # type: ignore[misc]
    """Photos of 384 pixels."""

    def __init__(self, paths: list[Path]) -> None:
        self._paths: Iterator[Path] = iter(paths)

    def get_next(self) -> dict[str, "np.ndarray[tuple[int, ...], np.dtype[np.float32]]"] | None:
        """Return the next inputs; None at the end."""
        path = next(self._paths, None)
        return None if path is None else {"photo": cut(read_image(path), (384, 384)).numpy(), "strength": ONE}


def cut(photo: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut the largest part of a size's proportions, and resize it."""
    scale = min(photo.shape[-2] / size[0], photo.shape[-1] / size[1])
    return resize(photo[..., : int(size[0] * scale), : int(size[1] * scale)], size)


def run_onnx(path: Path, threads: int) -> Paint:
    """Open a graph in onnxruntime."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda x: torch.from_numpy(session.run(None, {"photo": x.numpy(), "strength": ONE})[0])


def run_openvino(path: Path, threads: int) -> Paint:
    """Open a graph in OpenVINO, in float32: by default it would use bfloat16."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    model = openvino.Core().compile_model(str(path), "CPU", settings)
    return lambda x: torch.from_numpy(model({"photo": x.numpy(), "strength": ONE})[0].copy())


@torch.inference_mode()
def main(
    photos: list[Path],
    calibration: Annotated[Path, typer.Option()],
    style: Annotated[str, typer.Option()] = "wave",
    threads: Annotated[int, typer.Option(min=1)] = 1,
    int8: bool = True,
    turns: Annotated[int, typer.Option(min=1)] = 3,
) -> None:
    """Compare ways to run a style."""
    torch.set_num_threads(threads)
    loaded = load_style(style)
    ways: dict[str, Paint] = {
        "PyTorch": lambda photo: loaded(photo, stroke_size=0)  # in one pass, as the others
    }
    with TemporaryDirectory() as folder:
        graph, small = Path(folder, "x.onnx"), Path(folder, "int8.onnx")
        start = time.process_time()
        export_style(loaded, graph)
        typer.echo(f"exporting takes {time.process_time() - start:.1f} s")
        start = time.process_time()
        ways["onnxruntime"] = run_onnx(graph, threads)
        typer.echo(f"opening the graph in onnxruntime takes {time.process_time() - start:.2f} s")
        if is_installed("openvino"):
            start = time.process_time()
            ways["OpenVINO"] = run_openvino(graph, threads)
            typer.echo(f"opening it in OpenVINO takes {time.process_time() - start:.2f} s")
        convolutions = [node.name for node in onnx.load(graph).graph.node if node.op_type == "Conv"]
        inside = [convolutions[0], convolutions[-1]]
        for way, kept in {"INT8": [], "INT8 inside": inside}.items() if int8 else []:
            quantize_static(
                graph,
                small,
                Photos(find_images(calibration).images[:8]),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_exclude=kept,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
            )
            ways[way] = run_onnx(small, threads)
        for name, size in SIZES.items():
            measure(name, [cut(read_image(path), size) for path in photos], ways, turns)


def measure(name: str, photos: list[Tensor], ways: dict[str, Paint], turns: int) -> None:
    """Print times and differences at one size."""
    expected = [ways["PyTorch"](photo) for photo in photos]  # warms up, too
    seconds = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for way, paint in ways.items():
            start = time.process_time()
            paint(photos[0])
            seconds[way] = min(seconds[way], time.process_time() - start)
    for way, paint in ways.items():
        differences = [(paint(x) - y).abs() * 255 for x, y in zip(photos, expected, strict=True)]
        mean, most = (sum(float(f(d)) for d in differences) / len(photos) for f in (torch.mean, torch.max))
        speed = seconds["PyTorch"] / seconds[way]
        typer.echo(
            f"{name:<10} {way:<12} {seconds[way] * 1e3:7.0f} ms, {speed:.2f} times as fast, "
            f"mean difference {mean:.5f}, largest {most:.4f}"
        )


if __name__ == "__main__":
    typer.run(main)
