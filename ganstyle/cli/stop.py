"""A first Ctrl-C that lets a command finish what it is at; a second one ends it at once."""

from types import FrameType

from ganstyle.runs.signals import StopSignals


class StopRequest(StopSignals):
    """While entered, notes the first signal to stop instead of ending; call it to ask whether one came."""

    def __init__(self) -> None:
        super().__init__()
        self._noted = False

    def __call__(self) -> bool:
        """Say whether a signal came."""
        return self._noted

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._noted:
            raise KeyboardInterrupt
        self._noted = True
