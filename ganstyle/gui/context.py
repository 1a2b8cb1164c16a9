"""What all tabs share: the styles that can be chosen, the feature network, visitors, folders, TensorBoard."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch

from ganstyle.gatys import LAYERS
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.events import DeepLinks
from ganstyle.gui.sessions import Sessions, wait_until_idle
from ganstyle.models.vgg import Padding
from ganstyle.runs.background import Trainer
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"
"""The photo that comes with ganstyle."""

_JOB_TIMEOUT = 2.0  # seconds for a job to notice that it should stop; `docker stop` waits for 10 in all


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
        trainer: trains styles; None: visitors may not.
        photos: a folder of photos that they may train on.
        photo_count: how many there are.
        local: whether only this machine's own browsers can connect.
        links: settings that the page's address keeps.
    """

    styles: StyleCatalog
    sessions: Sessions
    vgg: WeightsFile
    device: torch.device
    runs: Path
    tensorboard: TensorBoard
    trainer: Trainer | None = None
    photos: Path | None = None
    photo_count: int = 0
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
        if self.trainer:
            self.trainer.close()
        wait_until_idle(_JOB_TIMEOUT)
