"""What all tabs share: networks, visitors, folders, TensorBoard; links."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import gradio as gr
import torch

from ganstyle.gatys import LAYERS
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.components import LIGHT_EVENT, javascript_text, setting_update
from ganstyle.gui.sessions import Sessions, wait_until_idle
from ganstyle.models.vgg import Padding
from ganstyle.runs.background import Trainer
from ganstyle.runs.tensorboard import TensorBoard
from ganstyle.weights import FeatureNetwork, WeightsFile, load_vgg16

"""The photo that comes with ganstyle."""

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
        refiner: trains the styles of visitors' paintings for minutes.
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
    refiner: Trainer
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
        for trainer in (self.refiner, self.trainer):
            if trainer:
                trainer.close()
        wait_until_idle(_JOB_TIMEOUT)


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
