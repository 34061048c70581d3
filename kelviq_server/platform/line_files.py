"""Files of lines, however long and however broken: numbered lines, and the records of CSV."""

import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO

MAX_LINE_BYTES = 1024 * 1024
# What is kept of a line that is too long.
_BEGINNING_BYTES = 1000
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """One line, or the lines of one CSV record, under the number of the first."""

    number: int
    data: bytes
    # What it takes up in the file, also where not all of it was kept.
    size_bytes: int
    # Why nothing can be read from it.
    fault: str | None = None
    cells: tuple[str, ...] = ()

    @property
    def is_blank(self) -> bool:
        """Say whether nothing stands in it; a row of empty cells is left behind by spreadsheets."""
        return self.fault is None and not (any(map(str.strip, self.cells)) if self.cells else self.data.strip())

    @property
    def text(self) -> str:
        """Return it for people to read, without its end."""
        return self.data.decode(errors="replace").rstrip("\r\n")


def read_lines(source: BinaryIO) -> Iterator[Line]:
    """Yield every line; of one that is too long the beginning only, and never is more of it in memory."""
    number = 0
    while data := source.readline(MAX_LINE_BYTES + 1):
        number += 1
        size_bytes = len(data)
        if size_bytes > MAX_LINE_BYTES:
            rest = data
            while rest and not rest.endswith(b"\n"):
                rest = source.readline(MAX_LINE_BYTES)
                size_bytes += len(rest)
            fault = f"Ensure this line has no more than {MAX_LINE_BYTES} bytes."
            yield Line(number, data[:_BEGINNING_BYTES], size_bytes, fault)
        else:
            yield Line(number, data.removeprefix(_BYTE_ORDER_MARK) if number == 1 else data, size_bytes)


def read_csv(source: BinaryIO) -> Iterator[Line]:
    """Yield the records of a CSV file; a text in quotation marks may hold line breaks.

    A quotation mark without its partner spoils its own line only: the lines that the
    search for the partner went through are read again, each as the beginning of a record.
    """
    lines = read_lines(source)
    again: deque[Line] = deque()
    while (first := again.popleft() if again else next(lines, None)) is not None:
        if first.fault or first.is_blank:
            yield first
            continue
        taken = [first]
        try:
            cells = next(csv.reader(_texts(taken, again, lines), strict=True))
        except csv.Error as error:
            again.extendleft(reversed(taken[1:]))
            yield replace(first, fault=f"CSV parse error - {error}")
        else:
            yield _record(taken, cells)


def _texts(taken: list[Line], again: deque[Line], lines: Iterator[Line]) -> Iterator[str]:
    """Yield the lines of one record for as long as the CSV reader wants more; those it got are `taken`."""
    size_bytes = 0
    line: Line | None = taken[0]
    while line is not None:
        yield line.data.decode(errors="replace")
        size_bytes += line.size_bytes
        line = again.popleft() if again else next(lines, None)
        if line is not None:
            taken.append(line)
            if size_bytes + line.size_bytes > MAX_LINE_BYTES:
                raise csv.Error("the record is too long")


def _record(taken: list[Line], cells: list[str]) -> Line:
    data = b"".join(line.data for line in taken)
    record = Line(taken[0].number, data, sum(line.size_bytes for line in taken), cells=tuple(cells))
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return replace(record, fault=f"CSV parse error - not UTF-8 (byte {error.start})")
    return record
