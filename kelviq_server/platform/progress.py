"""Progress of what takes longer than a moment: a bar on a terminal, now and then a line elsewhere."""

import time
from types import TracebackType

from rich import progress as bars
from rich.console import Console

SILENT_SECONDS = 2.0
LINE_SECONDS = 5.0


class Progress:
    """Counts units of work done, out of a total where that is known."""

    def __init__(self, console: Console, title: str, total: int | None, *, is_bytes: bool = False) -> None:
        self._console = console
        self._title = title
        self._total = total
        self._done = 0
        self._next_line = time.monotonic() + SILENT_SECONDS
        amount = bars.DownloadColumn() if is_bytes else bars.MofNCompleteColumn()
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"), bars.BarColumn(), amount, bars.TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> "Progress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def advance(self, units: int) -> None:
        """Note that so many more units are done."""
        self._done += units
        self._bar.advance(self._task, units)
        if not self._console.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            share = f" ({self._done * 100 // self._total} %)" if self._total else ""
            self._console.print(f"{self._title}: {self._done}{share}", markup=False)
