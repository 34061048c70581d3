"""All SQL about saved methods and attempts."""

from datetime import datetime, timedelta
from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.payments.records import (
    Attempt,
    MethodFilter,
    Outcome,
    PaymentMethod,
    SavedMethod,
    Unanswered,
)
from kelviq_server.platform.database import Tx
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.listing import CHOSEN, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page

_CUSTOMER: LiteralString = (
    " (SELECT row_to_json(buyer) FROM (SELECT c.id, external_id, name, email, billing_address FROM customers AS c"
    "   WHERE c.tenant_id = page.tenant_id AND c.id = page.customer_id) AS buyer) AS customer"
)
_METHOD: LiteralString = (
    "id, gateway, gateway_method, method_type, method_data, is_default, status, created_at, modified_at," + _CUSTOMER
)
_LISTED: LiteralString = (
    "SELECT id, id AS seq FROM payment_methods WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL"
    " AND status = 'succeeded'"
)
_ROWS: LiteralString = "SELECT *, id AS seq FROM payment_methods WHERE tenant_id = %(tenant_id)s AND " + CHOSEN
_CUSTOMERS: LiteralString = "SELECT id FROM customers WHERE tenant_id = %(tenant_id)s"
_ATTEMPT: LiteralString = (
    "id, kind, gateway, subject, charge_id, gateway_method, amount_units, currency, status, begun_at,"
    " failure_code AS failure, is_on_session, answers_at"
)


async def list_methods(tx: Tx, page: Page, wanted: MethodFilter) -> Listed[PaymentMethod]:
    """Return a page of the methods that can be charged, newest first."""
    of_id: LiteralString = "" if wanted.customer_id is None else " AND external_id = %(customer_id)s"
    of_email: LiteralString = "" if wanted.customer_email is None else " AND lower(email) = lower(%(email)s)"
    # Plans are made once for all values: what is not asked for is left out of the statement, rather than compared.
    of_customers = " AND customer_id = ANY(ARRAY(" + _CUSTOMERS + of_id + of_email + "))" if of_id or of_email else ""
    return await tx.decoded(
        Listed[PaymentMethod],
        listing(_LISTED + of_customers, _ROWS, _METHOD),
        {
            "tenant_id": tx.tenant_id,
            "customer_id": wanted.customer_id,
            "email": wanted.customer_email,
            **page_parameters_of(page),
        },
    )


async def get_method(tx: Tx, id: int) -> PaymentMethod:
    """Return a method; raises NotFound, for a deleted one too."""
    found = await tx.find_decoded(
        PaymentMethod,
        "SELECT row_to_json(method) FROM (SELECT " + _METHOD + " FROM payment_methods AS page"
        " WHERE tenant_id = %s AND id = %s AND deleted_at IS NULL) AS method",
        (tx.tenant_id, id),
    )
    if found is None:
        raise NotFound
    return found


async def find_default(tx: Tx, customer_id: UUID) -> PaymentMethod | None:
    """Return the method that a customer pays with, or None."""
    return await tx.find_decoded(
        PaymentMethod,
        "SELECT row_to_json(method) FROM (SELECT " + _METHOD + " FROM payment_methods AS page"
        " WHERE tenant_id = %s AND customer_id = %s AND is_default AND status = 'succeeded') AS method",
        (tx.tenant_id, customer_id),
    )


async def find_charged(tx: Tx, customer_id: UUID, id: int | None, *, or_default: bool) -> PaymentMethod | None:
    """Return this method of a customer, if they still have it; else their default, if that will do; else None."""
    return await tx.find_decoded(
        PaymentMethod,
        "SELECT row_to_json(method) FROM (SELECT " + _METHOD + " FROM payment_methods AS page"
        " WHERE tenant_id = %(tenant_id)s AND customer_id = %(customer_id)s AND status = 'succeeded'"
        "  AND deleted_at IS NULL AND (id = %(id)s::bigint OR is_default AND %(or_default)s)"
        " ORDER BY coalesce(id = %(id)s::bigint, false) DESC LIMIT 1) AS method",
        {"tenant_id": tx.tenant_id, "customer_id": customer_id, "id": id, "or_default": or_default},
    )


async def find_by_gateway(tx: Tx, customer_id: UUID, gateway: str, gateway_method: str) -> PaymentMethod | None:
    """Return the method that the gateway of a customer keeps under this name, or None."""
    return await tx.find_decoded(
        PaymentMethod,
        "SELECT row_to_json(method) FROM (SELECT " + _METHOD + " FROM payment_methods AS page"
        " WHERE tenant_id = %s AND customer_id = %s AND gateway = %s AND gateway_method = %s AND deleted_at IS NULL"
        " ORDER BY id LIMIT 1) AS method",
        (tx.tenant_id, customer_id, gateway, gateway_method),
    )


async def find_owner(tx: Tx, id: int) -> UUID | None:
    """Return whose method it is, or None where there is no such method, or no more."""
    return await tx.value(
        "SELECT customer_id FROM payment_methods WHERE tenant_id = %s AND id = %s AND deleted_at IS NULL",
        (tx.tenant_id, id),
    )


async def has_others(tx: Tx, customer_id: UUID, id: int) -> bool:
    """Say whether a customer has methods besides this one."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM payment_methods WHERE tenant_id = %s AND customer_id = %s AND id <> %s"
        " AND deleted_at IS NULL)",
        (tx.tenant_id, customer_id, id),
    )


async def insert_method(tx: Tx, customer_id: UUID, gateway: str, method: SavedMethod, *, is_default: bool) -> int:
    """Write a method and return its id."""
    return await tx.value(
        "INSERT INTO payment_methods (tenant_id, customer_id, gateway, gateway_method, method_type, method_data,"
        "  is_default, status, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(customer_id)s, %(gateway)s, %(gateway_method)s, %(type)s, %(data)s, %(is_default)s,"
        "  %(status)s, %(now)s, %(now)s) RETURNING id",
        {
            "tenant_id": tx.tenant_id,
            "customer_id": customer_id,
            "gateway": gateway,
            "gateway_method": method.gateway_method,
            "type": method.method_type,
            "data": dump(method.data),
            "is_default": is_default,
            "status": method.status,
            "now": tx.now,
        },
    )


async def update_not_default(tx: Tx, customer_id: UUID) -> None:
    """Let a customer have no default method."""
    await tx.execute(
        "UPDATE payment_methods SET is_default = false, modified_at = %s"
        " WHERE tenant_id = %s AND customer_id = %s AND is_default",
        (tx.now, tx.tenant_id, customer_id),
    )


async def update_default(tx: Tx, id: int) -> None:
    """Make a method the one that its customer pays with; there must be no other."""
    await tx.execute(
        "UPDATE payment_methods SET is_default = true, modified_at = %s WHERE tenant_id = %s AND id = %s",
        (tx.now, tx.tenant_id, id),
    )


async def update_deleted(tx: Tx, id: int) -> None:
    """Take a method out of every list."""
    await tx.execute(
        "UPDATE payment_methods SET deleted_at = %(now)s, modified_at = %(now)s, is_default = false"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {"now": tx.now, "tenant_id": tx.tenant_id, "id": id},
    )


async def insert_attempt(tx: Tx, attempt: Attempt) -> None:
    """Write an attempt that is about to be carried out."""
    await tx.execute(
        "INSERT INTO payment_attempts (tenant_id, id, kind, gateway, subject, charge_id, gateway_method, amount_units,"
        "  currency, status, begun_at, asked_at, is_on_session)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.tenant_id,
            attempt.id,
            attempt.kind,
            attempt.gateway,
            attempt.subject,
            attempt.charge_id,
            attempt.gateway_method,
            attempt.amount_units,
            attempt.currency,
            attempt.status,
            attempt.begun_at,
            attempt.begun_at,
            attempt.is_on_session,
        ),
    )


async def has_pending(tx: Tx, subject: str) -> bool:
    """Say whether a payment for something is on its way."""
    return await tx.value(
        "SELECT EXISTS (SELECT FROM payment_attempts WHERE tenant_id = %s AND subject = %s AND kind = 'charge'"
        " AND status = 'pending')",
        (tx.tenant_id, subject),
    )


async def find_pending(tx: Tx, subject: str) -> Attempt | None:
    """Return the payment for something that is on its way, or None."""
    return await tx.row(
        Attempt,
        "SELECT " + _ATTEMPT + " FROM payment_attempts WHERE tenant_id = %s AND subject = %s AND kind = 'charge'"
        " AND status = 'pending'",
        (tx.tenant_id, subject),
    )


async def get_attempt(tx: Tx, id: UUID) -> Attempt:
    """Return an attempt; raises NotFound."""
    attempt = await tx.row(
        Attempt, "SELECT " + _ATTEMPT + " FROM payment_attempts WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id)
    )
    if attempt is None:
        raise NotFound
    return attempt


async def update_settled(tx: Tx, id: UUID, outcome: Outcome, text: str | None) -> bool:
    """Note how a pending attempt ended; False where that was noted before."""
    return (
        await tx.execute(
            "UPDATE payment_attempts SET status = %s, gateway_reference = %s, failure_code = %s, failure_text = %s,"
            "  answers_at = NULL WHERE tenant_id = %s AND id = %s AND status = 'pending'",
            (outcome.status, outcome.reference, outcome.failure, text, tx.tenant_id, id),
        )
        > 0
    )


async def update_asked(tx: Tx, id: UUID, answers_at: datetime | None) -> None:
    """Note that the gateway did not say how an attempt ended, and when it may; what it said of that before stands."""
    await tx.execute(
        "UPDATE payment_attempts SET asked_at = %s, answers_at = coalesce(%s, answers_at)"
        " WHERE tenant_id = %s AND id = %s AND status = 'pending'",
        (tx.machine_now, answers_at, tx.tenant_id, id),
    )


async def lock_unanswered(tx: Tx, pause: timedelta, limit: int) -> list[Unanswered]:
    """Return pending attempts of all tenants that were last asked after so long ago, to be asked after now.

    Nobody else gets them until as much time has gone by again.
    """
    return await tx.rows(
        Unanswered,
        "UPDATE payment_attempts SET asked_at = %(now)s WHERE ctid = ANY(ARRAY("
        " SELECT ctid FROM payment_attempts WHERE status = 'pending' AND asked_at <= %(now)s - %(pause)s::interval"
        " ORDER BY asked_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED)) RETURNING tenant_id, id",
        {"now": tx.machine_now, "pause": pause, "limit": limit},
    )


async def list_answering(tx: Tx, limit: int) -> list[UUID]:
    """Return the tenant's pending attempts about which the gateway knows more by now, in that order."""
    return await tx.value(
        "SELECT coalesce(array_agg(id ORDER BY answers_at, id), '{}') FROM (SELECT id, answers_at"
        " FROM payment_attempts WHERE tenant_id = %s AND status = 'pending' AND answers_at <= %s"
        " ORDER BY answers_at, id LIMIT %s) AS due",
        (tx.tenant_id, tx.now, limit),
    )


# When the gateway will next know more about a pending attempt of a tenant, as due work has it.
NEXT_ANSWER: LiteralString = (
    "SELECT min(answers_at) FROM payment_attempts WHERE tenant_id = tenant.id AND status = 'pending'"
    " AND answers_at IS NOT NULL"
)
