"""What an operator sees: results on standard output; what goes on, and progress, on standard error."""

import time
from types import TracebackType

from rich import progress as bars
from rich.console import Console
from rich.table import Table

OUT = Console(soft_wrap=True, highlight=False)
ERR = Console(stderr=True, soft_wrap=True, highlight=False)
WIDE = 500
SILENT_SECONDS = 2.0
LINE_SECONDS = 5.0


def say(line: str) -> None:
    """Tell what is going on."""
    ERR.print(line, style="dim", markup=False)


def complain(line: str) -> None:
    """Tell why a command stops."""
    ERR.print(f"kelviq-server: {line}", style="red", markup=False)


def table_of(*columns: str, title: str | None = None) -> Table:
    """Return a table whose cells are never cut: what is shown may be copied."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column.startswith(("id", "server key", "client key")))
    return table


def show(table: Table, at_least: int = 0) -> None:
    """Print a table as wide as the terminal, or as needed; where there is no terminal, one line a row."""
    width = max(OUT.width, at_least) if OUT.is_terminal else WIDE
    Console(width=width, highlight=False).print(table)


class Progress:
    """Counts units of work done, of a total where it is known: a bar on a terminal, else a line now and then."""

    def __init__(self, title: str, total: int | None, *, is_bytes: bool = False) -> None:
        self._title = title
        self._total = total
        self._done = 0
        self._next_line = time.monotonic() + SILENT_SECONDS
        amount = bars.DownloadColumn() if is_bytes else bars.MofNCompleteColumn()
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}"), bars.BarColumn(), amount, bars.TimeRemainingColumn(),
            console=ERR, disable=not ERR.is_terminal,
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
        if not ERR.is_terminal and time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + LINE_SECONDS
            share = f" ({self._done * 100 // self._total} %)" if self._total else ""
            ERR.print(f"{self._title}: {self._done}{share}", markup=False)
