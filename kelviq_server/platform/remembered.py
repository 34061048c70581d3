"""A value that is costly to find out, cheap to keep, and may be somewhat out of date."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keeps a value for some seconds; one that says nothing (is empty) for fewer."""

    def __init__(self, seconds: float, empty_seconds: float) -> None:
        self._seconds = seconds
        self._empty_seconds = empty_seconds
        self._known: tuple[T, float] | None = None

    async def get(self, find_out: Callable[[], Awaitable[T]]) -> T:
        """Return the value, found out anew when it is too old."""
        if self._known is not None and self._known[1] > time.monotonic():
            return self._known[0]
        value = await find_out()
        self._known = (value, time.monotonic() + (self._seconds if value else self._empty_seconds))
        return value

    def forget(self) -> None:
        """Find the value out anew when it is next asked for."""
        self._known = None
