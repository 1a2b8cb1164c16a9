"""The application: the tabs, and the one queue for all heavy work."""

from pathlib import Path

import gradio as gr

from ganstyle.devices import pick_device
from ganstyle.gui.catalog import StyleCatalog
from ganstyle.gui.compare import CompareTab
from ganstyle.gui.context import AppContext
from ganstyle.gui.optimize import OptimizeTab
from ganstyle.gui.queueing import QUEUE
from ganstyle.gui.runs import RunsTab
from ganstyle.gui.sessions import Sessions
from ganstyle.gui.settings import Settings
from ganstyle.gui.stylize import StylizeTab
from ganstyle.gui.tensorboard import TensorBoard
from ganstyle.weights import find_vgg16

_HOUR = 3600  # seconds
_PATIENCE = 12 * _HOUR


def build(settings: Settings, folder: Path) -> tuple[gr.Blocks, AppContext]:
    """Build the application.

    Args:
        settings: what the command line decides.
        folder: for all temporary files; the caller removes it.

    Returns:
        The application, not yet served, and what its tabs share.

    Raises:
        GanstyleError: a folder, a style, a device or the network's weights are not there.
    """
    device = pick_device(settings.device)
    shop = AppContext(
        shelf=StyleCatalog(settings.styles, device),
        sessions=Sessions(folder, _PATIENCE),
        vgg=find_vgg16(settings.vgg, download=False),
        device=device,
        runs=settings.runs,
        tensorboard=TensorBoard(settings.runs, folder),
        local=settings.local,
    )
    # The files of a visit go with it; those of clients that never say goodbye, after half a day.
    with gr.Blocks(title="ganstyle", analytics_enabled=False, delete_cache=(_HOUR, _PATIENCE)) as blocks:
        gr.HTML('<header class="masthead"><h1>ganstyle</h1><p>Photos into paintings.</p></header>')
        with gr.Tabs():
            with gr.Tab("Stylize", id="stylize"):
                StylizeTab(shop)
            with gr.Tab("Optimize", id="optimize"):
                OptimizeTab(shop)
            with gr.Tab("Compare", id="compare"):
                CompareTab(shop)
            with gr.Tab("Runs", id="runs") as runs:
                RunsTab(shop, runs)

        def goodbye(request: gr.Request) -> None:
            shop.sessions.close(str(request.session_hash))

        blocks.unload(goodbye)
    blocks.queue(max_size=QUEUE, default_concurrency_limit=None, api_open=False)
    return blocks, shop
