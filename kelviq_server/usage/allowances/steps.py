"""What others borrow of allowances: rows to count in, and what was used within a period."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.platform.database import Tx
from kelviq_server.usage.allowances import rules, store
from kelviq_server.usage.allowances.records import NOTHING, Allowance, Day, Granted, Holder, OverrideLimit
from kelviq_server.usage.allowances.store import (
    find_organization_number,
    find_used,
    insert_ungranted,
    list_known_values,
    list_of_customer,
    lock_for_reports,
    lock_impatiently,
    lock_of_customer,
    update_charged,
)
from kelviq_server.usage.meters.steps import meters_of

__all__ = [
    "add_days",
    "find_organization_number",
    "find_used",
    "hold",
    "insert_ungranted",
    "list_known_values",
    "list_of_customer",
    "lock_for_reports",
    "lock_impatiently",
    "lock_of_customer",
    "override",
    "regrant",
    "release",
    "reset",
    "update_charged",
    "write_counted",
]


async def write_counted(tx: Tx, counted: tuple[Sequence[Allowance], Sequence[Allowance]]) -> None:
    """Write what was counted of locked allowances: of those that changed in total and count alone, and of others."""
    simple, others = counted
    if simple:
        await store.update_totals(tx, simple)
    if others:
        await store.update_counted(tx, others)


async def add_days(
    tx: Tx,
    days: Mapping[Aggregation, Sequence[Day]],
    values: Sequence[tuple[Day, bytes]],
    behind: Sequence[tuple[UUID, UUID, datetime]],
) -> None:
    """Add what was counted to the days in which it was used; what was charged already is behind."""
    added = [day for aggregation, each in days.items() if aggregation not in store.JOINED for day in each]
    if added:
        await store.update_days(tx, added)
    for aggregation in store.JOINED:
        if joined := days.get(aggregation):
            await store.update_days(tx, joined, aggregation)
    if values:
        await store.insert_values(tx, values)
    if behind:
        await store.update_behind(tx, behind)


async def hold(tx: Tx, reservation_id: UUID, parts: Sequence[tuple[Allowance, int]]) -> None:
    """Let a reservation hold so much of each of these locked allowances."""
    for allowance, amount in parts:
        allowance.held += amount
    await store.update_counted(tx, [allowance for allowance, _ in parts])
    await store.insert_holds(tx, reservation_id, parts)


async def release(tx: Tx, reservations: Collection[UUID]) -> None:
    """Give back what these reservations hold, if anything, wherever it has moved; its allowances are locked."""
    await store.delete_holds(tx, reservations)


async def regrant(tx: Tx, holder: Holder, granted: Sequence[Granted], overridden: Mapping[UUID, OverrideLimit]) -> None:
    """Let a subscription of a locked customer grant these meters from now on, and no others.

    What was used is kept, and what is held. What was used or is held while nothing granted a meter counts for the first
    that does.
    """
    rows = {(each.feature_id, each.lineage_id): each for each in await lock_of_customer(tx, holder.customer_id)}
    # Another process may have made meters that this one has not heard of: what is taken away is one of them, too.
    known = await meters_of(tx, {each.feature_id for each in granted} | {id for id, _ in rows})
    for row in rows.values():
        # What was carried until now was so on the terms, and with the override, that held until now.
        row.pass_time(known.by_id[row.feature_id].aggregation, tx.now)
    changed: dict[tuple[UUID, UUID], Allowance] = {}
    for each in granted:
        key = (each.feature_id, holder.lineage_id)
        meter = known.by_id[each.feature_id]
        row = rows.setdefault(
            key,
            Allowance(customer_id=holder.customer_id, feature_id=meter.id, lineage_id=holder.lineage_id, since=tx.now),
        )
        nothing = rows.get((meter.id, NOTHING))
        is_first = not any(other.grants_at(tx.now) for (id, _), other in rows.items() if id == meter.id)
        rules.grant(row, each, holder, tx.now)
        changed[key] = row
        if is_first and nothing is not None and (nothing.total or nothing.count or nothing.held):
            if nothing.held:
                await store.update_holds_moved(tx, row)
            changed[(meter.id, NOTHING)] = nothing
            different = await store.update_values_moved(tx, row, nothing) if meter.counts_values else 0
            rules.move(nothing, row, meter.aggregation, tx.now, different)
    for key, row in rows.items():
        if row.lineage_id == holder.lineage_id and row.is_granted and key not in changed:
            rules.revoke(row, tx.now)
            changed[key] = row
    for id in {row.feature_id for row in changed.values()}:
        of_feature = [row for row in rows.values() if row.feature_id == id]
        for row in rules.override(of_feature, overridden.get(id), tx.now):
            changed[(id, row.lineage_id)] = row
    if changed:
        await store.update_whole(tx, list(changed.values()))


async def override(tx: Tx, customer_id: UUID, feature_id: UUID, limit: OverrideLimit | None) -> None:
    """Let a limit hold for a locked customer instead of what grants a meter to them, or what grants it again."""
    await insert_ungranted(tx, [(customer_id, feature_id)], tx.now)
    rows = await lock_of_customer(tx, customer_id, [feature_id])
    known = await meters_of(tx, {feature_id})
    for row in rows:
        row.pass_time(known.by_id[feature_id].aggregation, tx.now)
    changed = rules.override(rows, limit, tx.now)
    if changed:
        await store.update_whole(tx, changed)


async def reset(tx: Tx, customer_id: UUID, feature_id: UUID) -> int:
    """Set to zero what a locked customer has used of a meter in the current period; return how much that was.

    What is charged does not become less: what was used on which day stays.
    """
    known = await meters_of(tx, {feature_id})
    aggregation = known.by_id[feature_id].aggregation
    # What is reported later of the time before, when nothing grants the meter any more, is before this, too.
    await insert_ungranted(tx, [(customer_id, feature_id)], tx.now)
    rows = await lock_of_customer(tx, customer_id, [feature_id])
    used = 0
    for row in rows:
        row.pass_time(aggregation, tx.now)
        used += row.used(aggregation) if row.is_countable_at(tx.now) else 0
        rules.reset(row, tx.now)
    await store.update_whole(tx, rows)
    return used
