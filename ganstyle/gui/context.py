"""What all tabs share: the styles that can be chosen, the feature network, sessions and folders."""

import warnings
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.evaluate.ranking import find_styles
from ganstyle.gatys import LAYERS
from ganstyle.gui.jobs import wait_until_idle
from ganstyle.gui.links import DeepLinks
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.tensorboard import TensorBoard
from ganstyle.models.vgg import Padding
from ganstyle.style import Style, load_style, shipped_styles
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"
"""The photo that comes with ganstyle."""

_STOP_TIMEOUT = 2.0  # seconds for a job to notice that it should stop; `docker stop` waits for 10 in all


class StyleCatalog:
    """Lists styles and loads each when it is first used.

    A client names a style by its key; a path that a client sends is never opened.

    Args:
        folder: of further styles, searched recursively; files that are not styles are skipped with a warning.
        device: where the generators go.

    Raises:
        DataError: there is no such folder, or it contains no styles.
    """

    def __init__(self, folder: Path | None, device: torch.device) -> None:
        self._device = device
        self._lock = Lock()
        self._loaded: dict[str, Style] = {}
        found = dict(shipped_styles())
        for path in find_styles(folder) if folder else []:
            found.setdefault(_key(path, folder), path)
        self._paths: dict[str, Path] = {}
        for key, path in found.items():
            try:
                load_style(path)
            except CheckpointError as error:
                warnings.warn(f"skipped: {error}", stacklevel=2)
                continue
            self._paths[key] = path

    @property
    def keys(self) -> list[str]:
        """What can be chosen, in order."""
        return list(self._paths)

    @property
    def first(self) -> str | None:
        """The initial choice, if there is anything to choose from."""
        return next(iter(self._paths), None)

    def __getitem__(self, key: str | None) -> Style:
        """Return a style, its generator on the device.

        Raises:
            GanstyleError: there is no style with this key, or its file was removed or changed meanwhile.
        """
        if key is None or key not in self._paths:
            raise GanstyleError(f"there is no style '{key}'; choose from {', '.join(self._paths) or 'none'}")
        with self._lock:
            if key not in self._loaded:
                try:
                    style = load_style(self._paths[key])
                except CheckpointError as error:
                    raise GanstyleError(f"style {key}: cannot be loaded any more; choose another") from error
                style.generator.to(self._device)
                self._loaded[key] = style
            return self._loaded[key]


def _key(path: Path, folder: Path | None) -> str:
    """Name a style by its place in a folder; the latest of a run by the run, as its file has a fixed name."""
    relative = path.relative_to(folder) if folder else path
    name = relative.with_suffix("")
    if name.name == "style" and len(name.parts) > 1:
        name = name.parent
    return name.as_posix()


@dataclass
class AppContext:
    """What all tabs share.

    Attributes:
        styles: what can be chosen.
        sessions: the visitors.
        vgg: the weights of the network for losses and scores.
        device: where all networks are.
        runs: the folder of training runs; it need not exist.
        tensorboard: shows the runs in detail.
        local: whether only this machine's own browsers can connect.
        links: settings that the page's address keeps.
    """

    styles: StyleCatalog
    sessions: Sessions
    vgg: WeightsFile
    device: torch.device
    runs: Path
    tensorboard: TensorBoard
    local: bool = True
    links: DeepLinks = field(default_factory=DeepLinks)
    _features: dict[Padding, FeatureNetwork] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    @property
    def features(self) -> FeatureNetwork:
        """The feature network that measures, in float32; loaded when it is first used.

        Raises:
            WeightsError: its file is damaged, or lacks a layer.
        """
        return self._load("zeros")

    @property
    def optimization_features(self) -> FeatureNetwork:
        """The same network, but with its maps' edges repeated: pictures optimized on it have no gray frame.

        Raises:
            WeightsError: its file is damaged, or lacks a layer.
        """
        return self._load("replicate")

    def _load(self, padding: Padding) -> FeatureNetwork:
        with self._lock:
            if padding not in self._features:
                network = load_vgg16(self.vgg, LAYERS, padding=padding)
                self._features[padding] = network.to(self.device)
            return self._features[padding]

    def close(self) -> None:
        """Remove visitors' files and end what was started for them, within seconds."""
        self.sessions.close_all()
        self.tensorboard.close()
        wait_until_idle(_STOP_TIMEOUT)
