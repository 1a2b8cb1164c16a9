"""Serving the application, and cleaning up after it; Gradio is only imported when that begins."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ganstyle.errors import GanstyleError
from ganstyle.gui.settings import Settings


@dataclass(frozen=True)
class Served:
    """Where it can be opened.

    Attributes:
        address: on this machine or in its network.
        public: a link through Gradio's servers, if it was asked for.
    """

    address: str
    public: str | None


@contextmanager
def serve(settings: Settings) -> Iterator[Served]:
    """Serve the interface for as long as the block lasts; then its temporary files are gone.

    Raises:
        GanstyleError: the settings make no sense, or the port is taken.
    """
    with tempfile.TemporaryDirectory(prefix="ganstyle-gui-", ignore_cleanup_errors=True) as folder:
        # Gradio looks here whenever it stores a file, or thinks of calling home.
        environment = {
            "GRADIO_TEMP_DIR": folder,
            "GRADIO_EXAMPLES_CACHE": str(Path(folder, "examples")),
            "GRADIO_ANALYTICS_ENABLED": "False",
            "HF_HUB_DISABLE_TELEMETRY": "1",
        }
        with _environment(environment):
            # Here, because Gradio makes a folder as soon as it is imported.
            from starlette.middleware import Middleware

            from ganstyle.gui.app import build
            from ganstyle.gui.offline import NoFetching
            from ganstyle.gui.queueing import say_full
            from ganstyle.gui.theme import STYLE_SHEET, theme
            from ganstyle.gui.uploads import MAX_FILE

            blocks, shop = build(settings, Path(folder).resolve())
            try:
                _, address, public = blocks.launch(
                    server_name=settings.host,
                    server_port=settings.port,
                    auth=settings.login,
                    share=settings.share,
                    max_file_size=MAX_FILE,
                    theme=theme(),
                    css_paths=STYLE_SHEET,
                    footer_links=[],
                    prevent_thread_lock=True,
                    quiet=True,
                    ssr_mode=False,
                    run_history=False,
                    enable_monitoring=False,
                    pwa=False,
                    mcp_server=False,
                    app_kwargs={
                        "middleware": [Middleware(NoFetching)],
                        "exception_handlers": {503: say_full},
                    },
                )
                yield Served(address, public or None)
            except (OSError, ValueError) as error:
                reason = " ".join(str(error).split())
                raise GanstyleError(f"{settings.host}: cannot be listened on ({reason})") from error
            finally:
                blocks.close(verbose=False)
                shop.close()


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for as long as the block lasts."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
