"""Write the customers to a file."""

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from kelviq_server.customers import store
from kelviq_server.customers.schemas import CELLS, cells, csv_rows, json_lines
from kelviq_server.platform.database import Tenant, reading


async def export_customers(tenant: Tenant, file: Path | None, advance: Callable[[int], None]) -> int:
    """Write every listed customer, oldest first, as import reads them, and return how many they are.

    FILE.csv is CSV; any other file, and the standard output, get the API's answers as
    JSON lines. A file appears when it is whole; until then the old one stands.

    CSV cannot tell an empty text from none: both are an empty cell. Nor is a cell that a
    spreadsheet would take for a formula altered, because it would come back altered:
    let a spreadsheet import the columns as text.
    """
    is_csv = file is not None and file.suffix.lower() == ".csv"
    count = 0
    with _output(file) as output:
        if is_csv:
            output.write(csv_rows([CELLS]))
        async with reading(tenant) as tx:
            async for customers in store.stream_customers(tx):
                output.write(csv_rows(map(cells, customers)) if is_csv else json_lines(customers))
                count += len(customers)
                advance(len(customers))
    return count


@contextmanager
def _output(file: Path | None) -> Generator[BinaryIO]:
    """Lend what to write to; a file takes its name at the end, unless an error made it useless."""
    if file is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = file.resolve()
    if target.exists() and not target.is_file():
        # A device or a pipe is written to, never replaced.
        with target.open("wb") as output:
            yield output
        return
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
