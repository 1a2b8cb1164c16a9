"""What all tabs share: styles, networks, visitors and where things lie."""

from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch

from ganstyle.gatys import LAYERS
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.jobs import wait_until_idle
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.tensorboard import TensorBoard
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

EXAMPLE = Path(__file__).parents[1] / "assets" / "astronaut.jpg"
"""The photo that comes with ganstyle."""

_STOP_TIMEOUT = 5.0  # seconds that a job has to notice that it is to stop; `docker stop` waits for 10 in all


@dataclass
class AppContext:
    """What all tabs share.

    Attributes:
        shelf: the styles.
        sessions: the visitors.
        vgg: the file of the network that is optimized against and measured with.
        device: where all networks are.
        runs: the folder of training runs; it need not exist.
        tensorboard: shows them more closely.
        local: whether only this machine's own browser can come in.
    """

    shelf: StyleCatalog
    sessions: Sessions
    vgg: WeightsFile
    device: torch.device
    runs: Path
    tensorboard: TensorBoard
    local: bool = True
    _features: FeatureNetwork | None = None
    _lock: Lock = field(default_factory=Lock)

    @property
    def features(self) -> FeatureNetwork:
        """The feature network, in float32; loaded when it is first asked for.

        Raises:
            WeightsError: its file is damaged, or lacks a layer.
        """
        with self._lock:
            if self._features is None:
                self._features = load_vgg16(self.vgg, LAYERS).to(self.device)
            return self._features

    def close(self) -> None:
        """End what was started for the visitors, within seconds."""
        self.sessions.close_all()
        self.tensorboard.close()
        wait_until_idle(_STOP_TIMEOUT)
