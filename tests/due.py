"""Business work of the tests' own: rows of a real table that fall due, may make new ones, fail, or wait."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.period import boundary
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.platform.due import DueWork, DueWorks, use_due_works

BATCH = 10


class Broken(Exception):
    """What a chore may fail with."""


@dataclass
class Chores:
    """One kind of such work, with what an outsider may do to it."""

    name: str
    fails: bool = False
    # When set, each chore waits here, with its transaction open, until the gate is opened; `waits` says that one does.
    gate: asyncio.Event | None = None
    waits: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def work(self) -> DueWork:
        """Return it as the clocks know it."""
        return DueWork(
            self.name,
            f"SELECT min(due_at) FROM chores WHERE tenant_id = tenant.id AND done_at IS NULL AND name = '{self.name}'",  # pyright: ignore[reportArgumentType]
            self.carry_out,
        )

    async def add(self, tenant: Tenant, due_at: datetime, *, again: int = 0) -> None:
        """Let something fall due, and so many times again, month by month."""
        async with transaction(tenant) as tx:
            await tx.execute(
                "INSERT INTO chores (tenant_id, name, anchor, due_at, again) VALUES (%s, %s, %s, %s, %s)",
                (tenant.id, self.name, due_at, due_at, again),
            )

    async def carry_out(self, tenant: Tenant) -> int:
        """Do some of what is due."""
        for count in range(BATCH):
            if not await self._do_one(tenant):
                return count
        return BATCH

    async def _do_one(self, tenant: Tenant) -> bool:
        async with transaction(tenant) as tx:
            row = await tx.value(
                "UPDATE chores SET done_at = %s, turn = nextval('chore_turns') WHERE id = (SELECT id FROM chores"
                " WHERE tenant_id = %s AND name = %s AND done_at IS NULL AND due_at <= %s"
                " ORDER BY due_at, id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING to_json(chores)",
                (tx.now, tenant.id, self.name, tx.now),
            )
            if row is None:
                return False
            if self.fails:
                raise Broken
            if self.gate:
                self.waits.set()
                await self.gate.wait()
            if row["again"]:
                number, anchor = row["number"] + 1, datetime.fromisoformat(row["anchor"])
                await tx.execute(
                    "INSERT INTO chores (tenant_id, name, anchor, due_at, number, again)"
                    " VALUES (%s, %s, %s, %s, %s, %s)",
                    (tenant.id, self.name, anchor, boundary(anchor, ChargePeriod.MONTHLY, number, UTC), number,
                     row["again"] - 1),
                )  # fmt: skip
            return True


async def make_table() -> None:
    """Make the table of chores in this worker's database."""
    async with transaction(INSTANCE) as tx:
        await tx.execute(
            "CREATE TABLE IF NOT EXISTS chores (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " tenant_id integer NOT NULL, name text NOT NULL, anchor timestamptz NOT NULL, due_at timestamptz NOT NULL,"
            " number integer NOT NULL DEFAULT 0, again integer NOT NULL, done_at timestamptz, turn bigint)"
        )
        await tx.execute("CREATE SEQUENCE IF NOT EXISTS chore_turns")


async def forget() -> None:
    """Let nothing be due, nor any clock be on its way, that an earlier test left."""
    async with transaction(INSTANCE) as tx:
        await tx.execute("DELETE FROM chores")
        await tx.execute("UPDATE clocks SET target = NULL, leased_until = NULL")


@asynccontextmanager
async def used(chores: Sequence[Chores], patience: timedelta = timedelta(minutes=1)) -> AsyncIterator[DueWorks]:
    """Let the API of this process carry these out while the block runs, and forget them after it."""
    await make_table()
    due = DueWorks([each.work for each in chores], patience)
    use_due_works(due)
    try:
        yield due
    finally:
        use_due_works(DueWorks(()))
        await forget()


async def done(tenant: Tenant) -> list[tuple[str, datetime, datetime]]:
    """Return what was carried out, in that order: its name, when it was due, and what time it was then."""
    async with reading(tenant) as tx:
        rows: list[Any] = await tx.value(
            "SELECT coalesce(json_agg(json_build_array(name, due_at, done_at) ORDER BY turn), '[]')"
            " FROM chores WHERE tenant_id = %s AND done_at IS NOT NULL",
            (tenant.id,),
        )
    return [(name, datetime.fromisoformat(due_at), datetime.fromisoformat(done_at)) for name, due_at, done_at in rows]
