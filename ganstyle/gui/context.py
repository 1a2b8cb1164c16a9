"""What all tabs share: the styles that can be chosen, the feature network, visitors, folders, TensorBoard."""

import os
import socket
import subprocess
import sys
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

import torch

from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.evaluate.ranking import find_styles
from ganstyle.gatys import LAYERS
from ganstyle.gui.events import DeepLinks
from ganstyle.gui.sessions import Sessions, wait_until_idle
from ganstyle.gui.settings import LOOPBACK
from ganstyle.gui.training import Trainer
from ganstyle.models.vgg import Padding
from ganstyle.style import Style, load_style, shipped_styles
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


class StyleCatalog:
    """Lists styles and loads each when it is first used.

    A client names a style by its key; a path that a client sends is never opened.

    Args:
        folder: of further styles, searched recursively; files that are not styles are skipped with a warning.
        device: where the generators go.
        runs: a folder of runs, whose styles `refresh` adds; None: there are none.

    Raises:
        DataError: there is no such folder, or it contains no styles.
    """

    def __init__(self, folder: Path | None, device: torch.device, runs: Path | None = None) -> None:
        self._device = device
        self._runs = runs
        self._lock = Lock()
        self._loaded: dict[str, tuple[int, Style]] = {}
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
        self.refresh()

    def refresh(self) -> list[str]:
        """Add the styles that runs have made meanwhile, each by its run's name, and return all keys."""
        known = {path.resolve() for path in self._paths.values()}
        for path in sorted(self._runs.glob("*/style.safetensors")) if self._runs else []:
            with suppress(CheckpointError):  # being removed, or damaged: there is nothing to choose
                if path.resolve() not in known:
                    load_style(path)
                    key = path.parent.name
                    self._paths.setdefault(f"runs/{key}" if key in self._paths else key, path)
        return self.keys

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
            version, loaded = self._loaded.get(key, (0, None))
            with suppress(FileNotFoundError):
                version = self._paths[key].stat().st_mtime_ns  # a training writes it again and again
            if loaded is None or version != self._loaded[key][0]:
                try:
                    loaded = load_style(self._paths[key])
                except CheckpointError as error:
                    raise GanstyleError(f"style {key}: cannot be loaded any more; choose another") from error
                loaded.generator.to(self._device)
                self._loaded[key] = version, loaded
            return loaded


def _key(path: Path, folder: Path | None) -> str:
    """Name a style by its place in a folder; the latest of a run by the run, as its file has a fixed name."""
    relative = path.relative_to(folder) if folder else path
    name = relative.with_suffix("")
    if name.name == "style" and len(name.parts) > 1:
        name = name.parent
    return name.as_posix()


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
