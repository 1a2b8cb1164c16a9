"""What all tabs share: networks, visitors, folders, TensorBoard; the styles that can be chosen; links."""

import json
import uuid
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
import torch

from ganstyle.anystyle import find_any
from ganstyle.errors import CheckpointError, GanstyleError
from ganstyle.evaluate.ranking import find_styles
from ganstyle.gatys import LAYERS
from ganstyle.gui.blend import VisitorBlends
from ganstyle.gui.components import LIGHT_EVENT, javascript_text, setting_update
from ganstyle.gui.inputs import Upload
from ganstyle.gui.sessions import Sessions, wait_until_idle
from ganstyle.models.vgg import Padding
from ganstyle.runs.background import Trainer
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.style import Style, load_style, shipped_styles, style_from
from ganstyle.stylize import PhotoPainter
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

EXAMPLE_PHOTO = Path(__file__).parents[1] / "assets" / "astronaut.jpg"
"""The photo that comes with ganstyle."""

_MOST_BAKED = 4  # styles of paintings that stay in memory
_JOB_TIMEOUT = 2.0  # seconds for a job to notice that it should stop; `docker stop` waits for 10 in all

_TAB = "tab"

# Gradio also selects the first tab and sets default values while the page loads, and a visitor may be quicker
# than the server: until the settings have been taken from the address, changes of it wait, in their order.
_KEEP = "{ (window.ganstyleChanges ??= []).push([%s]); window.ganstyleKeep?.(); return []; }"
_READY = "() => { window.ganstyleReady = true; window.ganstyleKeep?.(); return []; }"


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

    styles: "StyleCatalog"
    sessions: Sessions
    vgg: WeightsFile
    device: torch.device
    runs: Path
    tensorboard: TensorBoard
    trainer: Trainer | None = None
    photos: Path | None = None
    photo_count: int = 0
    local: bool = True
    links: "DeepLinks" = field(default_factory=lambda: DeepLinks())
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


class StyleCatalog:
    """Lists styles and loads each when it is first used.

    A client names a style by its key; a path that a client sends is never opened. A visitor's painting is a
    style too, if the generator for any painting is at hand; its key cannot be guessed.

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
        self._paintings: dict[str, tuple[str, Upload]] = {}
        self._baked: dict[str, Style] = {}
        self.blends = VisitorBlends()  # see `painter`
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

    @property
    def takes_paintings(self) -> bool:
        """Whether the generator for any painting is at hand."""
        try:
            return find_any().is_file()
        except CheckpointError:
            return False

    def add_painting(self, session: str, painting: Upload) -> str:
        """Add a visitor's painting as a style, and return its key.

        Raises:
            ImageError: it is no image.
        """
        painting.check()
        key = f"painting-{uuid.uuid4().hex}"
        with self._lock:
            self._paintings[key] = session, painting
        return key

    def forget(self, session: str) -> None:
        """Forget a visitor's paintings and blends."""
        self.blends.forget(session)
        with self._lock:
            for key in [key for key, (owner, _) in self._paintings.items() if owner == session]:
                del self._paintings[key]
                self._baked.pop(key, None)

    def choices(self, session: str) -> list[tuple[str, str]]:
        """Return what a visitor can choose: what is shown, and the key."""
        with self._lock:
            own = [key for key, (owner, _) in self._paintings.items() if owner == session]
        return [(self.label(key), key) for key in [*self.keys, *own]] + self.blends.choices(session)

    def label(self, key: str) -> str:
        """Return what a style is called on the page."""
        return self._paintings[key][1].name if key in self._paintings else self.blends.label(key) or key

    def painter(self, key: str | None) -> PhotoPainter:
        """Return a style, a blend of several, or one with others in parts; see `__getitem__`."""
        return self.blends.painter(key, self.__getitem__) or self[key]

    def __getitem__(self, key: str | None) -> Style:
        """Return a style, its generator on the device.

        Raises:
            GanstyleError: there is no style with this key, or its file was removed or changed meanwhile.
        """
        if key in self._paintings:
            return self._bake(key)
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

    def _bake(self, key: str) -> Style:
        with self._lock:
            if key not in self._baked:
                style = style_from(self._paintings[key][1].read())
                style.generator.to(self._device)
                self._baked[key] = style
                for old in list(self._baked)[:-_MOST_BAKED]:
                    del self._baked[old]
            return self._baked[key]


def _key(path: Path, folder: Path | None) -> str:
    """Name a style by its place in a folder; the latest of a run by the run, as its file has a fixed name."""
    relative = path.relative_to(folder) if folder else path
    name = relative.with_suffix("")
    if name.name == "style" and len(name.parts) > 1:
        name = name.parent
    return name.as_posix()


class DeepLinks:
    """Collects the settings of all tabs, then keeps them in the page's address and takes them from it."""

    def __init__(self) -> None:
        self._settings: dict[str, Any] = {}

    def add(self, **settings: gr.Dropdown | gr.Radio | gr.Slider | gr.Checkbox) -> None:
        """Add settings by the names that they have in an address.

        Raises:
            ValueError: a name is taken.
        """
        taken = self._settings.keys() & settings.keys()
        if taken:
            raise ValueError(f"two settings have the same name in links: {', '.join(sorted(taken))}")
        self._settings.update(settings)

    def connect(
        self, blocks: gr.Blocks, tabs: gr.Tabs, each_tab: Sequence[gr.Tab], refresh: Callable[[], Any]
    ) -> None:
        """Connect the page, once all settings are known.

        Args:
            blocks: the page.
            tabs: its tabs; the first of them is the one that is open without a link.
            each_tab: these tabs one by one.
            refresh: brings the settings' choices up to date.
        """
        names, components = list(self._settings), list(self._settings.values())
        defaults = [javascript_text(component.value) for component in components]
        keep = "(...values) => " + _KEEP % f"{json.dumps(names)}, {json.dumps(defaults)}, values"
        options = {key: value for key, value in LIGHT_EVENT.items() if key != "api_visibility"}
        gr.on([each.change for each in components], None, components, None, js=keep, **options)
        for tab in each_tab:
            keep = "() => " + _KEEP % f"['{_TAB}'], ['{each_tab[0].id}'], ['{tab.id}']"
            tab.select(None, None, None, js=keep, **options)

        def restore(request: gr.Request) -> list[Any]:
            refresh()
            linked = dict(request.query_params or {})
            chosen = linked.get(_TAB)
            selected = gr.Tabs(selected=chosen) if chosen in [tab.id for tab in each_tab] else gr.skip()
            return [selected, *(setting_update(self._settings[name], linked.get(name)) for name in names)]

        restored = blocks.load(restore, None, [tabs, *components], **LIGHT_EVENT)
        restored.then(None, None, None, js=_READY, **options)
