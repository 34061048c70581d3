"""Take in the customers of a file."""

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, TextIO

from kelviq_server.customers import rules, store
from kelviq_server.customers.events import CustomerCreated
from kelviq_server.customers.records import ImportOutcome, NewCustomer
from kelviq_server.customers.schemas import cell_names, customer_from_cells, customer_from_json
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.line_files import Line, read_csv, read_lines
from kelviq_server.platform.wire import InvalidFields

BATCH_LINES = 1000
# Long lines make smaller batches, so that memory stays bounded.
BATCH_BYTES = 4 * 1024 * 1024
_OTHER_DATA = {"customerId": ["Customer already exists with other data."]}


@dataclass(frozen=True, slots=True)
class _Record:
    """What a line comes to: a customer, or the reason why not, or neither if there is nothing in it."""

    line: Line
    customer: NewCustomer | None = None
    reason: dict[str, Any] | None = None


async def import_customers(tenant: Tenant, file: Path, advance: Callable[[int], None]) -> ImportOutcome:
    """Add the customers of FILE.csv, or of any other file as JSON lines, and say what became of its lines.

    A line that cannot be taken does not stop the others: it goes to FILE.rejected with its
    number and the reason. Customers who are there already stay as they are, so an import
    that was cut short is mended by doing it again. `advance` is told the bytes that are done.
    """
    added = unchanged = rejected = 0
    with _Rejections(file) as rejections:
        for batch in _batches(file):
            new, clashing = await _take_in(tenant, batch)
            refused = [record for record in batch if record.reason] + clashing
            rejections.write(sorted(refused, key=lambda record: record.line.number))
            added += new
            unchanged += sum(record.customer is not None for record in batch) - new - len(clashing)
            rejected += len(refused)
            advance(sum(record.line.size_bytes for record in batch))
    return ImportOutcome(added, unchanged, rejected)


async def _take_in(tenant: Tenant, batch: list[_Record]) -> tuple[int, list[_Record]]:
    """Add whom nobody knows yet; return how many, and the records of those who are there with other data."""
    named: dict[str, NewCustomer] = {}
    for record in batch:
        if record.customer:
            named.setdefault(record.customer.external_id, record.customer)
    if not named:
        return 0, []
    async with transaction(tenant) as tx:
        created = await store.insert_customers(tx, list(named.values()))
        there = {customer.external_id: customer for customer in created}
        taken = await store.list_taken(tx, named.keys() - there.keys())
        tx.announce_all([CustomerCreated(customer, tenant.organization) for customer in created])
    there |= {customer.external_id: customer for customer in taken}
    return len(created), [
        replace(record, reason=_OTHER_DATA)
        for record in batch
        if record.customer and not rules.is_made_from(there[record.customer.external_id], record.customer)
    ]


class _Rejections:
    """FILE.rejected: made with the first line that goes there, so there is none when all lines were taken."""

    def __init__(self, file: Path) -> None:
        self._path = file.with_name(file.name + ".rejected")
        self._output: TextIO | None = None

    def __enter__(self) -> "_Rejections":
        if self._path.exists():
            self._path.unlink()
        return self

    def write(self, records: list[_Record]) -> None:
        if records and self._output is None:
            self._output = self._path.open("w", encoding="utf-8", newline="\n")
        for record in records:
            line = {"line": record.line.number, "reason": record.reason, "text": record.line.text}
            print(json.dumps(line, ensure_ascii=False), file=self._output)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._output is not None:
            with self._output as output:
                output.flush()
                os.fsync(output.fileno())


def _batches(file: Path) -> Iterator[list[_Record]]:
    """Yield the file piece by piece, translated."""
    batch: list[_Record] = []
    size_bytes = 0
    with file.open("rb") as source:
        for record in (_csv_records if file.suffix.lower() == ".csv" else _json_records)(source):
            batch.append(record)
            size_bytes += record.line.size_bytes
            if len(batch) == BATCH_LINES or size_bytes >= BATCH_BYTES:
                yield batch
                batch, size_bytes = [], 0
    if batch:
        yield batch


def _json_records(source: BinaryIO) -> Iterator[_Record]:
    for line in read_lines(source):
        yield _record(line, partial(customer_from_json, line.data))


def _csv_records(source: BinaryIO) -> Iterator[_Record]:
    """Yield the records under the header; nothing but the header if it does not say what the cells are."""
    names: list[str] = []
    for line in read_csv(source):
        translate = (
            partial(customer_from_cells, names, line.cells) if names else partial(_read_header, names, line.cells)
        )
        record = _record(line, translate)
        yield record
        if record.reason and not names:
            return


def _read_header(names: list[str], cells: Sequence[str]) -> None:
    names.extend(cell_names(cells))


def _record(line: Line, translate: Callable[[], NewCustomer | None]) -> _Record:
    if line.fault:
        return _Record(line, reason={"nonFieldErrors": [line.fault]})
    if line.is_blank:
        return _Record(line)
    try:
        return _Record(line, customer=translate())
    except InvalidFields as fault:
        return _Record(line, reason=fault.errors)
