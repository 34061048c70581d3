"""The connection to PostgreSQL, and the only two ways to use it: a transaction and a short read."""

import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, LiteralString, TypeVar, get_args, get_type_hints
from uuid import UUID
from weakref import WeakKeyDictionary

import msgspec
from psycopg import AsyncConnection
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import kwargs_row

from kelviq_server.core.events import Event
from kelviq_server.platform import claims, outbox
from kelviq_server.platform.pool import Pool

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Any]

# Every session of ours: nothing waits for ever, instants come back in UTC, and a statement's plan is
# made once, without regard to its values: planning anew took as long as running (docs/adr/0004).
SESSION_OPTIONS = (
    "-c plan_cache_mode=force_generic_plan -c timezone=UTC"
    " -c statement_timeout=30s -c lock_timeout=10s -c idle_in_transaction_session_timeout=30s"
)
# How long a plan is kept. One that was made while a table was nearly empty, as a queue mostly is, would go on reading
# all of it when a million rows have come (docs/adr/0004).
PLAN_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose rows a transaction may touch, and whose clock it reads."""

    id: int | None
    organization: UUID | None
    has_own_clock: bool = False


# Not an environment: for what concerns the instance itself, such as provisioning.
INSTANCE = Tenant(id=None, organization=None)


class BytesLoader(Loader):
    """Hands a text over as the bytes that the server sent."""

    def load(self, data: Buffer) -> bytes:
        """Return the bytes."""
        return bytes(data)


@cache
def _maker(kind: type[Any]) -> Callable[..., Any]:
    """Return what makes a record of a row's values: texts of fields that are enums come out as these."""
    enums = {
        name: member
        for name, hint in get_type_hints(kind).items()
        for member in (get_args(hint) or (hint,))
        if isinstance(member, type) and issubclass(member, Enum)
    }
    if not enums:
        return kind

    def make(**values: Any) -> Any:
        for name, enum in enums.items():
            if values[name] is not None:
                values[name] = enum(values[name])
        return kind(**values)

    return make


def array(values: Iterable[object]) -> str:
    """Return ids, numbers, instants or words as the text of an array, quickly: there is nothing in them to escape."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


class Tx:
    """What a store function works with: statements, the tenant and the instant."""

    def __init__(self, connection: AsyncConnection[Any], tenant: Tenant, now: datetime | None) -> None:
        self.connection = connection
        self.tenant = tenant
        self._now = now
        self._machine_now: datetime | None = None
        self._announced: list[Event] = []

    @property
    def now(self) -> datetime:
        """Return the one instant of this transaction, by the tenant's clock."""
        if self._now is None:
            raise RuntimeError("a short read has no instant; open a transaction")
        return self._now

    @property
    def machine_now(self) -> datetime:
        """Return one instant of machine time: for leases, pauses and limits, whatever the tenant's clock says."""
        self._machine_now = self._machine_now or datetime.now(UTC)
        return self._machine_now

    @property
    def tenant_id(self) -> int:
        """Return the tenant's id; asking for it on behalf of the instance is a mistake in the code."""
        if self.tenant.id is None:
            raise RuntimeError("the instance is not a tenant")
        return self.tenant.id

    async def execute(self, sql: LiteralString, parameters: Parameters = ()) -> int:
        """Run a statement and return how many rows it touched."""
        cursor = await self.connection.execute(sql, parameters)
        return cursor.rowcount

    async def value(self, sql: LiteralString, parameters: Parameters = ()) -> Any:
        """Return the first column of the first row, or None where there is no row."""
        cursor = await self.connection.execute(sql, parameters)
        row = await cursor.fetchone()
        return None if row is None else row[0]

    async def row(self, kind: type[T], sql: LiteralString, parameters: Parameters = ()) -> T | None:
        """Return the first row as a record of this kind, or None."""
        async with self.connection.cursor(row_factory=kwargs_row(_maker(kind))) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchone()

    async def page(
        self, kind: type[T], sql: LiteralString, parameters: Parameters, *, plan_for_values: bool = False
    ) -> T:
        """Return the one row of a statement that makes a page, its texts as UTF-8, not decoded for nothing.

        Plans are made once for all values (see SESSION_OPTIONS); with `plan_for_values` one is made for these.
        """
        if plan_for_values:
            async with self.connection.transaction():
                await self.connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
                return await self.page(kind, sql, parameters)
        async with self.connection.cursor(row_factory=kwargs_row(_maker(kind))) as cursor:
            cursor.adapters.register_loader("text", BytesLoader)
            await cursor.execute(sql, parameters)
            page = await cursor.fetchone()
        assert page is not None
        return page

    async def rows(self, kind: type[T], sql: LiteralString, parameters: Parameters = ()) -> list[T]:
        """Return all rows as records of this kind; the statement states its own limit."""
        async with self.connection.cursor(row_factory=kwargs_row(_maker(kind))) as cursor:
            await cursor.execute(sql, parameters)
            return await cursor.fetchall()

    async def decoded(
        self, kind: type[T], sql: LiteralString, parameters: Parameters = (), *, plan_for_values: bool = False
    ) -> T:
        """Return the one JSON value of a statement as records of this kind, nested ones too.

        So that what belongs together, a list with its count or a whole with its parts, is read in one statement.
        `plan_for_values` is that of `page`.
        """
        if plan_for_values:
            async with self.connection.transaction():
                await self.connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
                return await self.decoded(kind, sql, parameters)
        found = await self.find_decoded(kind, sql, parameters)
        assert found is not None
        return found

    async def find_decoded(self, kind: type[T], sql: LiteralString, parameters: Parameters = ()) -> T | None:
        """Return the one JSON value of a statement as records of this kind, or None where there is no row."""
        async with self.connection.cursor() as cursor:
            cursor.adapters.register_loader("json", BytesLoader)
            await cursor.execute(sql, parameters)
            row = await cursor.fetchone()
        return None if row is None else msgspec.json.decode(row[0], type=kind)

    def announce(self, event: Event) -> None:
        """Record that something happened; written when this transaction commits, or not at all."""
        self.announce_all([event])

    def announce_all(self, events: Sequence[Event]) -> None:
        """Record many events at once."""
        if self._now is None:
            raise RuntimeError("a short read announces nothing")
        self._announced.extend(events)

    async def alone_with(self, work: LiteralString) -> None:
        """Let nobody else of this tenant do the same work until this transaction ends."""
        await self.connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s), %s)", (work, self.tenant_id))

    async def signal(self, topic: LiteralString, detail: str = "") -> None:
        """Tell every process of this instance, once this transaction has committed."""
        await self.connection.execute("SELECT pg_notify('kelviq', %s)", (f"{topic}:{detail}",))

    async def flush(self) -> bool:
        """Write the announced events and say whether there were any; `transaction` does this before it commits."""
        if self._announced:
            await outbox.insert_events(self.connection, self.tenant.id, self.now, self._announced)
        return bool(self._announced)


_pool: Pool | None = None
_open: ContextVar[bool] = ContextVar("transaction_open", default=False)


async def open_pool(conninfo: str, size: int) -> None:
    """Connect this process; every transaction from now on uses this database."""
    global _pool
    pool = Pool(
        conninfo,
        min_size=min(2, size),
        max_size=size,
        # Well under the ten seconds after which the official clients give up without an answer.
        timeout=3,
        kwargs={"autocommit": True, "options": SESSION_OPTIONS, "application_name": "kelviq-server"},
        reset=_forget_old_plans,
        open=False,
    )
    await pool.open(wait=True, timeout=30)
    _pool = pool


async def _forget_old_plans(connection: AsyncConnection[Any]) -> None:
    """Let a connection that is given back plan its statements anew, now and then."""
    now = time.monotonic()
    if now >= _plans_until.get(connection, 0):
        _plans_until[connection] = now + PLAN_SECONDS
        await connection.execute("DISCARD PLANS")


_plans_until: WeakKeyDictionary[AsyncConnection[Any], float] = WeakKeyDictionary()


async def close_pool() -> None:
    """Disconnect this process."""
    global _pool
    if _pool is not None:
        await _pool.close()
    _pool = None


def current_pool() -> Pool:
    """Return this process's connections."""
    if _pool is None:
        raise RuntimeError("the database is not open")
    return _pool


def assert_no_transaction() -> None:
    """Refuse to do something slow, such as a network call, while a transaction holds locks."""
    if _open.get():
        raise RuntimeError("not inside a transaction")


@asynccontextmanager
async def transaction(tenant: Tenant) -> AsyncGenerator[Tx]:
    """Begin a transaction for this tenant; commit at the end, or undo everything on an error.

    Actions call this, in sight; a transaction inside another is a mistake in the code.
    """
    assert_no_transaction()
    token = _open.set(True)
    try:
        async with current_pool().connection() as connection, connection.transaction():
            tx = Tx(connection, tenant, await _read_clock(connection, tenant))
            yield tx
            has_announced = await tx.flush()
            await claims.mark_effects(connection)
    finally:
        _open.reset(token)
    if has_announced:
        outbox.announced.ring()


@asynccontextmanager
async def reading(tenant: Tenant) -> AsyncGenerator[Tx]:
    """Lend a connection for short reads. Each statement sees a moment of its own: what belongs together is one."""
    async with current_pool().connection() as connection:
        yield Tx(connection, tenant, None)


async def current_time(tenant: Tenant) -> datetime:
    """Return the present instant by the tenant's clock, for what is read rather than done."""
    async with current_pool().connection() as connection:
        return await _read_clock(connection, tenant)


async def _read_clock(connection: AsyncConnection[Any], tenant: Tenant) -> datetime:
    now = datetime.now(UTC)
    if tenant.has_own_clock:
        cursor = await connection.execute(
            "SELECT coalesce(frozen_at, %s::timestamptz + ahead) FROM clocks WHERE tenant_id = %s", (now, tenant.id)
        )
        row = await cursor.fetchone()
        if row is not None:
            return row[0]
    return now
