"""What all tabs share: the styles that can be chosen, the feature network, visitors, folders, TensorBoard."""

import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch

from ganstyle.errors import GanstyleError
from ganstyle.gatys import LAYERS
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.events import DeepLinks
from ganstyle.gui.sessions import Sessions, wait_until_idle
from ganstyle.gui.settings import LOOPBACK
from ganstyle.gui.training import Trainer
from ganstyle.models.vgg import Padding
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"
"""The photo that comes with ganstyle."""

_JOB_TIMEOUT = 2.0  # seconds for a job to notice that it should stop; `docker stop` waits for 10 in all
_START_TIMEOUT = 60.0  # seconds until TensorBoard must answer
_STOP_TIMEOUT = 2.0  # seconds until it is killed

# Ends with its parent, however that ends: the system then closes the pipe that is its standard input.
_TENSORBOARD = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
from tensorboard.main import run_main
run_main()
"""


class TensorBoard:
    """Starts TensorBoard once, on a free port of this machine; no other machine reaches it.

    Args:
        folder: of the runs.
        temporary: a folder for the files that it makes; the caller removes it.
    """

    def __init__(self, folder: Path, temporary: Path) -> None:
        self._folder, self._temporary = folder, temporary
        self._lock = Lock()
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0

    def start(self) -> str:
        """Return its address, once it answers.

        Raises:
            GanstyleError: it does not, or the interface is closing.
        """
        with self._lock:
            if self._closed:
                raise GanstyleError("the interface is closing; TensorBoard is not started")
            if self._process is None or self._process.poll() is not None:
                _close_pipe(self._process)
                self._port = _free_port()
                self._process = subprocess.Popen(
                    [
                        *(sys.executable, "-c", _TENSORBOARD, "--logdir", str(self._folder)),
                        *("--host", LOOPBACK, "--port", str(self._port), "--load_fast", "false"),
                    ],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "TMPDIR": str(self._temporary)},
                )
            process, port = self._process, self._port
        _wait(process, port)
        return f"http://{LOOPBACK}:{port}/"

    def close(self) -> None:
        """End it, within seconds; kill it if it does not end when asked to."""
        with self._lock:
            self._closed = True
            process = self._process
        if process is None:
            return
        for end in (process.terminate, process.kill):
            end()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_TIMEOUT)
                break
        _close_pipe(process)


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait until a process answers on a port.

    Raises:
        GanstyleError: it ends, or does not answer in time.
    """
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection((LOOPBACK, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    raise GanstyleError("TensorBoard does not start; run it yourself: tensorboard --logdir RUNS")


def _close_pipe(process: "subprocess.Popen[bytes] | None") -> None:
    if process and process.stdin:
        process.stdin.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


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
