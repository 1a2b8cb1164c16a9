"""``ganstyle doctor``: what is installed, what the machine can do, which weights would be used."""

import importlib.metadata
import platform
import warnings

import typer

_PACKAGES = ("torch", "torchvision", "accelerate", "kornia", "pillow", "clean-fid", "safetensors", "gradio")


def _version_of(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def doctor() -> None:
    """Show versions, devices and which weights would be used, and why."""
    import torch

    from ganstyle._version import __version__
    from ganstyle.devices import fast_bfloat16, pick_device
    from ganstyle.errors import WeightsError
    from ganstyle.style import shipped_styles
    from ganstyle.weights import find_inception, find_vgg16

    def line(key: str, value: str) -> None:
        typer.echo(f"{key:<12} {value}")

    line("ganstyle", __version__)
    line("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        line(package, _version_of(package))
    device = pick_device()
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    line("device", f"{count} x {name}")
    line("threads", f"{torch.get_num_threads()} (set OMP_NUM_THREADS to change)")
    line("precision", f"auto means {'bf16' if fast_bfloat16(device) else 'fp32'}")
    try:
        with warnings.catch_warnings(action="ignore"):  # the lines below say it all
            weights = find_vgg16(download=False)
        line("VGG-16", f"{weights.name}: {weights.path}")
        line("", f"{weights.reason}; SHA-256 {weights.sha256}")
    except WeightsError as error:
        line("VGG-16", f"none at hand. {error}")
    try:
        inception = find_inception(download=False)
        line("Inception", f"{inception.path}: {inception.reason}; its SHA-256 is right")
    except WeightsError as error:
        line("Inception", f"none at hand, so no FID. {error}")
    line("styles", ", ".join(shipped_styles()) or "none shipped")
