"""``ganstyle doctor``: what is installed, what the machine can do, which weights would be used."""

import warnings

import typer

_PACKAGES = ("torch", "torchvision", "accelerate", "kornia", "pillow", "clean-fid", "safetensors", "gradio")


def _version_of(package: str) -> str:
    import importlib.metadata

    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def doctor() -> None:
    """Show versions, devices and the network weights in use."""
    import platform

    import torch

    from ganstyle._version import __version__
    from ganstyle.devices import fast_bfloat16, pick_device
    from ganstyle.style import shipped_styles

    _line("ganstyle", __version__)
    _line("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in _PACKAGES:
        _line(package, _version_of(package))
    device = pick_device()
    count = torch.cuda.device_count() if device.type == "cuda" else 1
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    _line("device", f"{count} x {name}")
    _line("threads", f"{torch.get_num_threads()} (set OMP_NUM_THREADS to change)")
    _line("precision", f"auto means {'bf16' if fast_bfloat16(device) else 'fp32'}")
    _line("engine", f"PyTorch paints; onnxruntime, for exported styles, is {_version_of('onnxruntime')}")
    _show_weights()
    _line("styles", ", ".join(shipped_styles()) or "none shipped")


def _show_weights() -> None:
    from ganstyle.errors import GanstyleError
    from ganstyle.files import check_writable
    from ganstyle.metrics.efficientnet import find_judge
    from ganstyle.metrics.similarity.lpips import find_lpips
    from ganstyle.weights import find_inception, find_vgg16, vgg16_cache

    try:
        with warnings.catch_warnings(action="ignore"):  # the lines below say it all
            vgg = find_vgg16(download=False)
        _line("VGG-16", f"{vgg.name}: {vgg.path}")
        _line("", f"{vgg.reason}; SHA-256 {vgg.sha256}")
    except GanstyleError as error:
        _line("VGG-16", f"none found. {error}")
    try:
        inception = find_inception(download=False)
        _line("Inception", f"{inception.path}: {inception.reason}; its SHA-256 is right")
    except GanstyleError as error:
        _line("Inception", f"none found, so no FID. {error}")
    try:
        judge = find_judge()
        _line("judge", f"{judge.name}: {judge.path}; its SHA-256 is right")
    except GanstyleError as error:
        _line("judge", str(error))
    try:
        lpips = find_lpips()
        _line("LPIPS", f"{lpips.path}: {lpips.reason}" if lpips else "GANSTYLE_LPIPS is not set")
    except GanstyleError as error:
        _line("LPIPS", str(error))
    folder = vgg16_cache().parent
    try:
        if str(folder).startswith("~"):
            raise GanstyleError("there is no home folder; set TORCH_HOME")
        check_writable(folder)
        _line("downloads", f"{folder}: can be written")
    except GanstyleError as error:
        _line("downloads", f"impossible; what ships is used instead. {error}")


def _line(key: str, value: str) -> None:
    typer.echo(f"{key:<12} {value}")
