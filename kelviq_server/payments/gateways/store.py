"""All SQL of the sandbox's gateway: what another company would keep for itself."""

from typing import LiteralString
from uuid import UUID

from kelviq_server.payments.records import Attempt, Failure, Outcome
from kelviq_server.platform.database import Tx

# While it is pending, nobody is told how it will end.
_OUTCOME: LiteralString = (
    "status, reference, CASE WHEN status = 'failed' THEN failure_code END AS failure, answers_at, needs_action"
)


async def insert_card(tx: Tx, id: str, behavior: str) -> None:
    """Remember how a saved card behaves."""
    await tx.execute(
        "INSERT INTO sandbox_cards (tenant_id, id, behavior, created_at) VALUES (%s, %s, %s, %s)",
        (tx.tenant_id, id, behavior, tx.now),
    )


async def get_behavior(tx: Tx, id: str) -> str:
    """Return how a saved card behaves."""
    return await tx.value("SELECT behavior FROM sandbox_cards WHERE tenant_id = %s AND id = %s", (tx.tenant_id, id))


async def update_behavior(tx: Tx, key: UUID, before: str, after: str) -> None:
    """Let the card that a payment was made with behave in another way from now on, if it behaved like this."""
    await tx.execute(
        "UPDATE sandbox_cards SET behavior = %(after)s WHERE tenant_id = %(tenant_id)s AND behavior = %(before)s"
        " AND id = (SELECT card_id FROM sandbox_payments WHERE tenant_id = %(tenant_id)s AND key = %(key)s)",
        {"tenant_id": tx.tenant_id, "key": key, "before": before, "after": after},
    )


async def lock_key(tx: Tx, key: UUID) -> None:
    """Let nobody else use this key until this transaction ends."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s::text, 0))", (key,))


async def find_payment(tx: Tx, key: UUID) -> Outcome | None:
    """Return what became of the payment with this key, or None."""
    return await tx.row(
        Outcome, "SELECT " + _OUTCOME + " FROM sandbox_payments WHERE tenant_id = %s AND key = %s", (tx.tenant_id, key)
    )


async def insert_payment(tx: Tx, attempt: Attempt, outcome: Outcome, at_last: Failure | None) -> None:
    """Remember a payment: what is said about it now, and how it ends where that is told later."""
    await tx.execute(
        "INSERT INTO sandbox_payments (tenant_id, key, reference, status, failure_code, amount_units, currency,"
        "  charge_key, answers_at, needs_action, card_id, created_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            tx.tenant_id,
            attempt.id,
            outcome.reference,
            outcome.status,
            at_last,
            attempt.amount_units,
            attempt.currency,
            attempt.charge_id,
            outcome.answers_at,
            outcome.needs_action,
            attempt.gateway_method,
            tx.now,
        ),
    )


async def update_authenticated(tx: Tx, key: UUID, failure: Failure | None) -> Outcome:
    """Note what came of a payment that waited for its customer, and return that."""
    outcome = await tx.row(
        Outcome,
        "UPDATE sandbox_payments SET status = %s, failure_code = %s, needs_action = false"
        " WHERE tenant_id = %s AND key = %s RETURNING " + _OUTCOME,
        ("succeeded" if failure is None else "failed", failure, tx.tenant_id, key),
    )
    assert outcome is not None
    return outcome


async def update_late(tx: Tx, key: UUID) -> Outcome:
    """Let a late payment end as it was to, and return that."""
    outcome = await tx.row(
        Outcome,
        "UPDATE sandbox_payments SET status = CASE WHEN failure_code IS NULL THEN 'succeeded' ELSE 'failed' END"
        " WHERE tenant_id = %s AND key = %s RETURNING " + _OUTCOME,
        (tx.tenant_id, key),
    )
    assert outcome is not None
    return outcome


async def update_refunded(tx: Tx, charge_key: UUID, amount_units: int) -> bool:
    """Note that so much more of a charge is given back; False where that would be more than it took."""
    return (
        await tx.execute(
            "UPDATE sandbox_payments SET refunded_units = refunded_units + %(units)s WHERE tenant_id = %(tenant_id)s"
            " AND key = %(key)s AND status = 'succeeded' AND refunded_units + %(units)s <= amount_units",
            {"tenant_id": tx.tenant_id, "key": charge_key, "units": amount_units},
        )
        > 0
    )
