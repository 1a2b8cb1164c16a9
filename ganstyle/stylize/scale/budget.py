"""A limit on the pixels that are in memory at once."""

from concurrent.futures import CancelledError
from threading import Condition


class PixelBudget:
    """Pixels that threads take in the order of their tickets, so that none waits for a later one.

    Args:
        limit: how many may be taken at once. More may be taken by one alone.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._used = 0
        self._next = 0
        self._closed = False
        self._changed = Condition()

    def take(self, ticket: int, pixels: int) -> None:
        """Wait for the ticket's turn and for so many pixels.

        Args:
            ticket: 0, 1, 2, …; every one must be used.
            pixels: how many; 0 waits for the turn only.

        Raises:
            CancelledError: the budget was closed.
        """

        def has_room() -> bool:
            return self._next == ticket and (
                not pixels or not self._used or self._used + pixels <= self._limit
            )

        with self._changed:
            self._changed.wait_for(lambda: self._closed or has_room())
            if self._closed:
                raise CancelledError
            self._next += 1
            self._used += pixels
            self._changed.notify_all()

    def give_back(self, pixels: int) -> None:
        """Give pixels back that were taken."""
        with self._changed:
            self._used -= pixels
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody wait any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
