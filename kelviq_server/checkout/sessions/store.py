"""All SQL about checkout sessions and their timelines."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec

from kelviq_server.checkout.sessions.records import (
    Card,
    Details,
    NewSession,
    NewSessionEvent,
    Options,
    Selection,
    Session,
    SessionEvent,
    SessionFilter,
)
from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import folded_fields
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.listing import CHOSEN, NARROWED, Listed, counted_listing, listing, page_parameters_of
from kelviq_server.platform.narrowing import narrowest_pattern
from kelviq_server.platform.paging import Page

_COLUMNS: LiteralString = (
    "id, status, product_id, external_id, customer_id, options, selection, details, offering, metadata, turn, failure,"
    " card, needs_action, has_made_customer, order_id, expires_at, completed_at, created_at, modified_at"
)
_LISTED: LiteralString = "SELECT id, seq FROM checkout_sessions WHERE tenant_id = %(tenant_id)s"
_ROWS: LiteralString = "SELECT * FROM checkout_sessions WHERE tenant_id = %(tenant_id)s AND " + CHOSEN
_COUNT: LiteralString = (
    "SELECT coalesce(sum(count), 0)::bigint AS count FROM status_tallies WHERE tenant_id = %(tenant_id)s"
    " AND list = 'checkout_sessions'"
)
_SOUGHT: LiteralString = (
    _LISTED + " AND " + NARROWED + " AND (%(status)s::text IS NULL OR status = %(status)s)"
    " AND (%(start)s::date IS NULL OR created_at >= %(start)s::date)"
    " AND (%(end)s::date IS NULL OR created_at < %(end)s::date + 1)"
)
_EVENTS: LiteralString = "SELECT id, id AS seq FROM checkout_session_events WHERE tenant_id = %(tenant_id)s"
# The earliest instant at which something is due of the tenant whose id is `tenant.id`.
NEXT_DUE: Final[LiteralString] = (
    "SELECT due_at FROM checkout_sessions AS s WHERE s.tenant_id = tenant.id AND due_at IS NOT NULL"
    " ORDER BY due_at LIMIT 1"
)


async def list_sessions(tx: Tx, wanted: SessionFilter, page: Page) -> Listed[Session]:
    """Return a page of the sessions, newest first. All, and all of one status, are counted by tallies."""
    parameters = {"tenant_id": tx.tenant_id, "status": wanted.status, **page_parameters_of(page)}
    if not wanted.terms and wanted == SessionFilter(wanted.terms, wanted.status):
        of_status: LiteralString = "" if wanted.status is None else " AND status = %(status)s"
        statement = counted_listing(_COUNT + of_status, _LISTED + of_status, _ROWS, _COLUMNS)
        return await tx.decoded(Listed[Session], statement, parameters)
    return await tx.decoded(
        Listed[Session],
        listing(_SOUGHT, _ROWS, _COLUMNS),
        {
            **parameters,
            "terms": list(wanted.terms),
            "narrowing": await narrowest_pattern(tx, "checkout_sessions", wanted.terms),
            "start": wanted.start_date,
            "end": wanted.end_date,
        },
        plan_for_values=True,
    )


async def get_session(tx: Tx, id: str) -> Session:
    """Return a session; raises NotFound."""
    return await _one(tx, " WHERE tenant_id = %(tenant_id)s AND id = %(id)s", id=id)


async def lock_session(tx: Tx, id: str) -> Session:
    """Return a session that nobody else changes until this transaction ends; raises NotFound."""
    return await _one(tx, " WHERE tenant_id = %(tenant_id)s AND id = %(id)s FOR NO KEY UPDATE", id=id)


async def lock_of_order(tx: Tx, order_id: str, customer_id: UUID) -> Session | None:
    """Return the session that an order of a locked customer is of, or None; nobody else changes it.

    One whose payment begins in this very transaction does not know its order yet.
    """
    try:
        return await _one(
            tx,
            " WHERE tenant_id = %(tenant_id)s AND (order_id = %(order_id)s OR is_beginning AND"
            "  customer_id = %(customer_id)s) FOR NO KEY UPDATE",
            order_id=order_id,
            customer_id=customer_id,
        )
    except NotFound:
        return None


async def _one(tx: Tx, where: LiteralString, **values: Any) -> Session:
    found = await tx.find_decoded(
        Session,
        "SELECT row_to_json(found) FROM (SELECT " + _COLUMNS + " FROM checkout_sessions" + where + ") AS found",
        {"tenant_id": tx.tenant_id, **values},
    )
    if found is None:
        raise NotFound
    return found


async def find_tenant_id(tx: Tx, id: str) -> int | None:
    """Return whose session it is, or None; on behalf of the instance."""
    return await tx.value("SELECT tenant_id FROM checkout_sessions WHERE id = %s", (id,))


async def insert_session(tx: Tx, new: NewSession) -> Session:
    """Write a session and return it."""
    return await _written(
        tx,
        "INSERT INTO checkout_sessions (tenant_id, id, status, product_id, external_id, customer_id, options,"
        "  selection, details, offering, metadata, folded, expires_at, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, 'open', %(product_id)s, %(external_id)s, %(customer_id)s, %(options)s,"
        "  %(selection)s, %(details)s, %(offering)s, %(metadata)s, %(folded)s, %(expires_at)s, %(now)s, %(now)s)",
        id=new.id,
        product_id=new.product_id,
        external_id=new.external_id,
        customer_id=new.customer_id,
        options=_json(new.options),
        selection=_json(new.selection),
        details=_json(new.details),
        offering=dump(new.offering),
        metadata=new.metadata,
        folded=_folded(new.id, new.external_id, new.details, new.product_name),
        expires_at=new.expires_at,
    )


async def update_choice(tx: Tx, session: Session, selection: Selection, details: Details, product_name: str) -> Session:
    """Note what is chosen in a locked session, and who buys; return it."""
    return await _changed(
        tx,
        "selection = %(selection)s, details = %(details)s, folded = %(folded)s",
        session.id,
        selection=_json(selection),
        details=_json(details),
        folded=_folded(session.id, session.external_id, details, product_name),
    )


async def update_options(tx: Tx, session: Session, options: Options) -> Session:
    """Note what a locked session is now priced in; return it."""
    return await _changed(tx, "options = %(options)s", session.id, options=_json(options))


async def update_beginning(
    tx: Tx, id: str, customer_id: UUID, card: Card | None, *, has_made_customer: bool
) -> Session:
    """Note that a payment of a locked session is about to begin, by whom and with what; return it.

    `has_made_customer`: whether their record was written just now.
    """
    return await _changed(
        tx,
        "is_beginning = true, customer_id = %(customer_id)s, card = %(card)s, turn = turn + 1, failure = NULL,"
        " has_made_customer = has_made_customer OR %(has_made_customer)s",
        id,
        customer_id=customer_id,
        card=None if card is None else _json(card),
        has_made_customer=has_made_customer,
    )


async def update_begun(tx: Tx, id: str, order_id: str, *, is_on_its_way: bool) -> Session:
    """Note which order a payment that has begun is for, and whether it is on its way; return the session."""
    status: LiteralString = ", status = 'processing'" if is_on_its_way else ""
    return await _changed(tx, "is_beginning = false, order_id = %(order_id)s" + status, id, order_id=order_id)


async def update_needs_action(tx: Tx, id: str) -> Session:
    """Note that the payment of a locked session waits for its customer."""
    return await _changed(tx, "needs_action = true", id)


async def update_success(tx: Tx, id: str) -> Session:
    """Note that a locked session was paid; what it was paid with is the customer's now."""
    return await _changed(
        tx, "status = 'success', completed_at = %(now)s, card = NULL, failure = NULL, needs_action = false", id
    )


async def update_failed(tx: Tx, id: str, failure: str) -> Session:
    """Note that the payment of a locked session failed, and why."""
    return await _changed(
        tx, "status = 'failed', card = NULL, failure = %(failure)s, needs_action = false", id, failure=failure
    )


async def update_refused(tx: Tx, id: str, failure: str) -> Session:
    """Note that what was to be paid with was refused, and why."""
    return await _changed(tx, "status = 'failed', turn = turn + 1, failure = %(failure)s", id, failure=failure)


async def update_expired(tx: Tx, id: str) -> Session:
    """Note that a locked session is over."""
    return await _changed(tx, "status = 'expired', leased_until = NULL", id)


async def _changed(tx: Tx, changes: LiteralString, id: str, **values: Any) -> Session:
    return await _written(
        tx,
        "UPDATE checkout_sessions SET " + changes + ", modified_at = %(now)s WHERE tenant_id = %(tenant_id)s"
        " AND id = %(id)s",
        id=id,
        **values,
    )


async def _written(tx: Tx, statement: LiteralString, **values: Any) -> Session:
    written = await tx.find_decoded(
        Session,
        "WITH written AS (" + statement + " RETURNING " + _COLUMNS + ") SELECT row_to_json(written) FROM written",
        {"tenant_id": tx.tenant_id, "now": tx.now, **values},
    )
    assert written is not None
    return written


async def lock_due(tx: Tx, limit: int, lease: timedelta) -> list[str]:
    """Return sessions that are over, the earliest first; nobody else takes them until the lease ends."""
    return await tx.value(
        "WITH due AS MATERIALIZED (SELECT id FROM checkout_sessions WHERE tenant_id = %(tenant_id)s"
        "  AND due_at <= %(now)s AND (leased_until IS NULL OR leased_until < %(machine_now)s)"
        "  ORDER BY due_at, id LIMIT %(limit)s FOR NO KEY UPDATE SKIP LOCKED"
        "), taken AS (UPDATE checkout_sessions SET leased_until = %(until)s"
        "  WHERE tenant_id = %(tenant_id)s AND id = ANY(ARRAY(SELECT id FROM due)) RETURNING id, due_at)"
        " SELECT coalesce(array_agg(id ORDER BY due_at, id), '{}') FROM taken",
        {
            "tenant_id": tx.tenant_id,
            "now": tx.now,
            "machine_now": tx.machine_now,
            "until": tx.machine_now + lease,
            "limit": limit,
        },
    )


async def delete_unused(tx: Tx, kept: timedelta, limit: int) -> int:
    """Delete sessions that nobody tried to pay and that were over so long ago, and return how many those were.

    On behalf of the instance: by the clock of each tenant, who wrote them by that.
    """
    return await tx.execute(
        "WITH unused AS MATERIALIZED (SELECT s.tenant_id, s.id FROM environments AS e"
        "  LEFT JOIN clocks AS c ON c.tenant_id = e.id, LATERAL (SELECT tenant_id, id FROM checkout_sessions"
        "   WHERE tenant_id = e.id AND status = 'expired' AND turn = 0 AND expires_at <"
        "    coalesce(c.frozen_at, %(machine_now)s::timestamptz + coalesce(c.ahead, '0')) - %(kept)s::interval"
        "   ORDER BY expires_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED) AS s LIMIT %(limit)s"
        "), told AS (DELETE FROM checkout_session_events AS t USING unused AS u"
        "  WHERE t.tenant_id = u.tenant_id AND t.session_id = u.id"
        ") DELETE FROM checkout_sessions AS s USING unused AS u WHERE s.tenant_id = u.tenant_id AND s.id = u.id",
        {"machine_now": tx.machine_now, "kept": kept, "limit": limit},
    )


async def update_released(tx: Tx, ids: Sequence[str]) -> None:
    """Leave sessions to whoever comes next; what somebody has locked is in good hands."""
    await tx.execute(
        "UPDATE checkout_sessions SET leased_until = NULL WHERE tenant_id = %(tenant_id)s AND id = ANY(ARRAY("
        " SELECT id FROM checkout_sessions WHERE tenant_id = %(tenant_id)s AND id = ANY(%(ids)s)"
        " ORDER BY id FOR NO KEY UPDATE SKIP LOCKED))",
        {"tenant_id": tx.tenant_id, "ids": list(ids)},
    )


async def insert_event(tx: Tx, id: str, event: NewSessionEvent) -> None:
    """Write what happened to a session."""
    await tx.execute(
        "INSERT INTO checkout_session_events (tenant_id, session_id, title, code, status, metadata, happened_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (tx.tenant_id, id, event.title, event.code, event.status, dump(event.metadata), tx.now),
    )


async def list_events(tx: Tx, id: str, page: Page) -> Listed[SessionEvent]:
    """Return a page of what happened to a session, newest first."""
    return await tx.decoded(
        Listed[SessionEvent],
        listing(
            _EVENTS + " AND session_id = %(session_id)s",
            "SELECT *, id AS seq FROM checkout_session_events WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            "id, title, code, status, metadata, happened_at",
        ),
        {"tenant_id": tx.tenant_id, "session_id": id, **page_parameters_of(page)},
    )


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _folded(id: str, external_id: str, details: Details, product_name: str) -> str:
    return folded_fields(id, details.name, details.email, external_id, product_name)
