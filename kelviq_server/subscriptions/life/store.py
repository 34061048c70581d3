"""All SQL about records of subscriptions."""

from collections.abc import Collection, Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import CHOSEN, Listed, counted_listing, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.subscriptions.life.records import (
    IN_FORCE,
    NewSubscription,
    Subscription,
    SubscriptionFilter,
    SubscriptionStatus,
)

COLUMNS: LiteralString = (
    "id, lineage_id, predecessor_id, is_seen, status, billing_type, customer_id, product_id, plan_id, version_id,"
    " price_id, charge_period, currency, features, custom_amount, tax_behavior, amount_units, discount_id, cycle,"
    " time_zone, anchor_at, period_index, period_start, period_end, trial_start_at, trial_end_at, worth, carried,"
    " taken, method_id, has_fallback, started_at, ends_at, canceled_at, cancellation_reason, cancellation_feedback,"
    " cancellation_comment, expires_at, request_id, effective_at, owing_since, retries, retry_at, collecting_since,"
    " due_at, created_at, modified_at"
)
_SEEN: LiteralString = "SELECT id, seq FROM subscriptions WHERE tenant_id = %(tenant_id)s AND is_seen"
# One for each subscription: as it now is, unless it has ended.
_CURRENT: LiteralString = (
    _SEEN + " AND (status IN ('trialing', 'active', 'past_due') OR status = 'incomplete' AND predecessor_id IS NULL)"
)
_ROWS: LiteralString = "SELECT * FROM subscriptions WHERE tenant_id = %(tenant_id)s AND " + CHOSEN
# Those that wait are few, and may be unseen: they are counted one by one.
_WAITING: LiteralString = (
    "SELECT count(*) FROM subscriptions WHERE tenant_id = %(tenant_id)s AND is_seen AND status = 'incomplete'"
)
_TALLIED: LiteralString = (
    "SELECT coalesce(sum(count), 0) FROM status_tallies WHERE tenant_id = %(tenant_id)s AND list = 'subscriptions'"
)


async def list_subscriptions(tx: Tx, wanted: SubscriptionFilter, page: Page) -> Listed[Subscription]:
    """Return a page of the records, newest first; all current ones, and those of statuses, are counted by tallies."""
    parameters = {
        "tenant_id": tx.tenant_id,
        "statuses": list(wanted.statuses),
        "tallied": [status for status in wanted.statuses or IN_FORCE if status is not SubscriptionStatus.INCOMPLETE],
        "started_after": wanted.started_after,
        "started_before": wanted.started_before,
        "modified_after": wanted.modified_after,
        "modified_before": wanted.modified_before,
        "customer": wanted.customer,
        **page_parameters_of(page),
    }
    of_status: LiteralString = _SEEN + " AND status = ANY(%(statuses)s)" if wanted.statuses else _CURRENT
    if wanted == SubscriptionFilter(statuses=wanted.statuses):
        waiting: LiteralString = (
            " AND predecessor_id IS NULL"
            if not wanted.statuses
            else ""
            if SubscriptionStatus.INCOMPLETE in wanted.statuses
            else " AND false"
        )
        count: LiteralString = (
            "SELECT ((" + _TALLIED + " AND status = ANY(%(tallied)s)) + (" + _WAITING + waiting + "))::bigint AS count"
        )
        return await tx.decoded(
            Listed[Subscription], counted_listing(count, of_status, _ROWS, COLUMNS), parameters, plan_for_values=True
        )
    conditions: list[LiteralString] = []
    if wanted.customer is not None:
        conditions.append(
            " AND customer_id = (SELECT id FROM customers WHERE tenant_id = %(tenant_id)s"
            " AND external_id = %(customer)s)"
        )
    if wanted.started_after is not None:
        conditions.append(" AND started_at >= %(started_after)s")
    if wanted.started_before is not None:
        conditions.append(" AND started_at < %(started_before)s")
    if wanted.modified_after is not None:
        conditions.append(" AND modified_at >= %(modified_after)s")
    if wanted.modified_before is not None:
        conditions.append(" AND modified_at < %(modified_before)s")
    narrowed: LiteralString = of_status + "".join(conditions)
    return await tx.decoded(Listed[Subscription], listing(narrowed, _ROWS, COLUMNS), parameters, plan_for_values=True)


async def find_subscription(tx: Tx, id: UUID) -> Subscription | None:
    """Return a record, an unseen one too, or None."""
    return await tx.find_decoded(
        Subscription,
        "SELECT row_to_json(found) FROM (SELECT " + COLUMNS + " FROM subscriptions"
        " WHERE tenant_id = %s AND id = %s) AS found",
        (tx.tenant_id, id),
    )


async def list_by_id(tx: Tx, ids: Collection[UUID]) -> list[Subscription]:
    """Return the records that have these ids."""
    return await tx.decoded(
        list[Subscription],
        "SELECT coalesce(json_agg(found), '[]') FROM (SELECT " + COLUMNS + " FROM subscriptions"
        " WHERE tenant_id = %s AND id = ANY(%s)) AS found",
        (tx.tenant_id, list(ids)),
    )


async def lock_subscription(tx: Tx, id: UUID) -> Subscription:
    """Return a record that nobody else changes until this transaction ends; its customer is locked before.

    Raises NotFound.
    """
    found = await tx.find_decoded(
        Subscription,
        "SELECT row_to_json(found) FROM (SELECT " + COLUMNS + " FROM subscriptions"
        " WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE) AS found",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def find_customer_id(tx: Tx, id: UUID) -> UUID | None:
    """Return whose record it is, or None."""
    return await tx.value("SELECT customer_id FROM subscriptions WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id))


async def find_by_request(tx: Tx, request_id: UUID) -> Subscription | None:
    """Return the record that was made under an idempotency claim, or None."""
    return await tx.find_decoded(
        Subscription,
        "SELECT row_to_json(found) FROM (SELECT " + COLUMNS + " FROM subscriptions"
        " WHERE tenant_id = %s AND request_id = %s) AS found",
        (tx.tenant_id, request_id),
    )


async def find_newest_id(tx: Tx, lineage_id: UUID) -> UUID | None:
    """Return the record that stands for a subscription today: the one in force, else the last one that was."""
    return await tx.value(
        "SELECT id FROM subscriptions WHERE tenant_id = %s AND lineage_id = %s AND is_seen"
        " AND status <> 'incomplete_expired'"
        " ORDER BY status IN ('trialing', 'active', 'past_due') DESC, status <> 'incomplete' DESC, seq DESC LIMIT 1",
        (tx.tenant_id, lineage_id),
    )


async def find_waiting(tx: Tx, lineage_id: UUID) -> Subscription | None:
    """Return the record of a subscription that waits for its payment, or None."""
    return await tx.find_decoded(
        Subscription,
        "SELECT row_to_json(found) FROM (SELECT " + COLUMNS + " FROM subscriptions WHERE tenant_id = %s"
        " AND lineage_id = %s AND status = 'incomplete') AS found",
        (tx.tenant_id, lineage_id),
    )


async def insert_subscription(tx: Tx, new: NewSubscription) -> Subscription:
    """Write a record and return it."""
    values = {field: getattr(new, field) for field in _NEW}
    values |= {field: _json(values[field]) for field in _JSON}
    names: LiteralString = ", ".join(_NEW)
    places: LiteralString = ", ".join([_place(field) for field in _NEW])
    return await _written(
        tx,
        "INSERT INTO subscriptions (tenant_id, " + names + ", created_at, modified_at)"
        " VALUES (%(tenant_id)s, " + places + ", %(now)s, %(now)s)",
        values,
    )


async def update_subscription(tx: Tx, id: UUID, *, keeps_lease: bool = False, **values: Any) -> Subscription:
    """Write these columns of a locked record and return it; `modified_at` moves.

    Whoever had it in hand is done with it, unless the lease is kept.
    """
    changes: LiteralString = ", ".join([_change(field) for field in CHANGING if field in values])
    lease: LiteralString = "" if keeps_lease else ", leased_until = NULL"
    assert len(values) == len([field for field in CHANGING if field in values]), values
    values |= {field: _json(values[field]) for field in _JSON if field in values}
    return await _written(
        tx,
        "UPDATE subscriptions SET " + changes + lease + ", modified_at = %(now)s WHERE tenant_id = %(tenant_id)s"
        " AND id = %(id)s",
        values | {"id": id},
    )


async def delete_unseen(tx: Tx, id: UUID) -> None:
    """Delete a record that nobody got to see."""
    await tx.execute(
        "DELETE FROM subscriptions WHERE tenant_id = %s AND id = %s AND NOT is_seen AND status = 'incomplete'",
        (tx.tenant_id, id),
    )


async def _written(tx: Tx, statement: LiteralString, values: dict[str, Any]) -> Subscription:
    written = await tx.find_decoded(
        Subscription,
        "WITH written AS (" + statement + " RETURNING " + COLUMNS + ") SELECT row_to_json(written) FROM written",
        {"tenant_id": tx.tenant_id, "now": tx.now, **values},
    )
    assert written is not None
    return written


def _place(field: LiteralString) -> LiteralString:
    return "%(" + field + ")s"


def _change(field: LiteralString) -> LiteralString:
    return field + " = %(" + field + ")s"


def _json(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()


_JSON: Collection[str] = ("features", "worth", "carried", "taken")
_NEW: Sequence[LiteralString] = (
    "id", "lineage_id", "predecessor_id", "is_seen", "status", "billing_type", "customer_id", "product_id", "plan_id",
    "version_id", "price_id", "charge_period", "currency", "features", "custom_amount", "tax_behavior", "amount_units",
    "discount_id", "cycle", "time_zone", "anchor_at", "period_index", "period_start", "period_end", "trial_start_at",
    "trial_end_at", "worth", "carried", "taken", "method_id", "has_fallback", "started_at", "ends_at", "canceled_at",
    "cancellation_reason", "cancellation_feedback", "cancellation_comment", "expires_at", "request_id",
)  # fmt: skip
# What of a record changes while it stays the same record.
CHANGING: Sequence[LiteralString] = (
    "is_seen", "status", "version_id", "price_id", "amount_units", "features", "discount_id", "cycle", "anchor_at",
    "period_index", "period_start", "period_end", "trial_end_at", "worth", "carried", "taken", "method_id",
    "has_fallback", "started_at", "effective_at", "ends_at", "canceled_at", "cancellation_reason",
    "cancellation_feedback", "cancellation_comment", "expires_at", "owing_since", "retries", "retry_at",
    "collecting_since",
)  # fmt: skip
