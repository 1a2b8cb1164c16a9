"""Styles in ONNX files, run by onnxruntime."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import Tensor, nn

from ganstyle.devices import usable_processors
from ganstyle.errors import CheckpointError, RecipeError, one_line
from ganstyle.extras import require
from ganstyle.files import sha256
from ganstyle.losses import StyleTarget
from ganstyle.recipe import Recipe
from ganstyle.style import Style

if TYPE_CHECKING:
    import onnxruntime


class OnnxGenerator(nn.Module):
    """A generator that onnxruntime runs, on the CPU.

    Args:
        session: of a graph that `export_style` wrote.
        path: its file.

    Attributes:
        conditioned: whether it takes a strength.
    """

    def __init__(self, session: "onnxruntime.InferenceSession", path: Path) -> None:
        super().__init__()
        self._session, self._path = session, path
        self.conditioned = len(session.get_inputs()) > 1

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self  # it has no state, and a session cannot be copied

    def digest(self) -> bytes:
        """Return a hash of the file, whose weights PyTorch does not see."""
        return bytes.fromhex(sha256(self._path))

    def forward(self, x: Tensor, strength: float | Tensor = 1.0) -> Tensor:
        """Return the stylized photos, (B, 3, H, W) in [0, 1]; the strength is one for all."""
        inputs = {"photo": x.detach().cpu().numpy()}
        if self.conditioned:
            inputs["strength"] = torch.as_tensor(strength, dtype=torch.float32).reshape(1).numpy()
        return torch.from_numpy(self._session.run(None, inputs)[0]).to(x.device)


def load_onnx(path: str | Path) -> Style:
    """Load a style that was exported to ONNX; it stylizes, and cannot be trained or compared.

    Raises:
        CheckpointError: the file is missing, damaged, or not one that ganstyle exported.
        MissingExtraError: onnxruntime is not installed.
    """
    path = Path(path)
    require("onnxruntime", f"{path}: running it")
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        session = open_session(path)
        metadata = session.get_modelmeta().custom_metadata_map
    except Exception as error:  # onnxruntime's own errors have no common base
        reason = one_line(error, 200)
        raise CheckpointError(f"{path}: not a readable ONNX file ({reason})") from None
    try:
        recipe = Recipe.parse(json.loads(metadata["recipe"]), source=f"{path} (its recipe)")
        info = json.loads(metadata["info"])
    except (KeyError, ValueError, RecipeError) as error:
        raise CheckpointError(
            f"{path}: not a style of ganstyle's; give a file that 'ganstyle export' wrote"
        ) from error
    return Style(recipe.name, OnnxGenerator(session, path).eval(), recipe, StyleTarget(({},)), info)


def open_session(path: Path) -> "onnxruntime.InferenceSession":
    """Open an ONNX file on the CPU, with as many threads as this process may use."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(torch.get_num_threads(), usable_processors())
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
