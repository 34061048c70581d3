"""What other modules borrow of payments: the method that a customer pays with, and attempts to move money.

An attempt is begun in one transaction, asked for between two, and settled in the next.
"""

import asyncio
from datetime import datetime
from uuid import UUID

import structlog

from kelviq_server.customers.records import CustomerSummary
from kelviq_server.payments import rules, store
from kelviq_server.payments.errors import GatewayUnavailable, NoCardsTaken
from kelviq_server.payments.events import PaymentMethodCreated, PaymentMethodUpdated
from kelviq_server.payments.gateways import gateway
from kelviq_server.payments.gateways.choice import gateway_named
from kelviq_server.payments.records import (
    UNKNOWN,
    Attempt,
    AttemptKind,
    AttemptStatus,
    NewCard,
    Outcome,
    PaymentMethod,
    SavedMethod,
)
from kelviq_server.payments.rules import refusal_of, text_of
from kelviq_server.payments.store import (
    NEXT_ANSWER,
    find_charged,
    find_default,
    find_pending,
    get_attempt,
    has_pending,
    list_answering,
    lock_unanswered,
)
from kelviq_server.platform.database import Tenant, Tx

log = structlog.get_logger()

__all__ = [
    "NEXT_ANSWER",
    "add_method",
    "ask",
    "ask_again",
    "authenticate",
    "begin_charge",
    "begin_refund",
    "cancel",
    "carry_out",
    "find_charged",
    "find_default",
    "find_pending",
    "get_attempt",
    "go_on_with",
    "has_pending",
    "list_answering",
    "lock_unanswered",
    "make_default",
    "refusal_of",
    "save_card",
    "settle",
    "takes_cards",
    "text_of",
    "unsaved_method",
]


def takes_cards(gateway_name: str | None) -> bool:
    """Say whether cards may be typed in on a page of ours, rather than on the gateway's own."""
    return gateway_name is not None and gateway_named(gateway_name).takes_card_numbers


async def save_card(tenant: Tenant, gateway_name: str, card: NewCard) -> SavedMethod:
    """Return a card as the gateway keeps it, with no transaction open; nothing of ours knows of it yet.

    What is never written down is of no use to anybody, and does no harm.
    Raises NoCardsTaken, CardRefused, NotATestCard, GatewayUnavailable.
    """
    chosen = gateway_named(gateway_name)
    if not chosen.takes_card_numbers:
        raise NoCardsTaken
    try:
        return await gateway.save_method(chosen, tenant, card)
    except gateway.GatewayFault:
        raise GatewayUnavailable from None


def unsaved_method(gateway_name: str, saved: SavedMethod, customer: CustomerSummary, now: datetime) -> PaymentMethod:
    """Return a method that can be charged, though it is not the customer's until it is written down."""
    return PaymentMethod(
        0, gateway_name, saved.gateway_method, saved.method_type, saved.data, False, saved.status, now, now, customer
    )


async def add_method(
    tx: Tx, customer_id: UUID, gateway_name: str, saved: SavedMethod, *, is_default: bool
) -> PaymentMethod:
    """Write a locked customer's method, tell it and return it. A first one is the default, whatever was asked."""
    before = await store.find_default(tx, customer_id)
    if is_default and before is not None:
        await store.update_not_default(tx, customer_id)
    id = await store.insert_method(tx, customer_id, gateway_name, saved, is_default=is_default or before is None)
    if is_default and before is not None:
        tx.announce(PaymentMethodUpdated(await store.get_method(tx, before.id), tx.tenant.organization))
    method = await store.get_method(tx, id)
    tx.announce(PaymentMethodCreated(method, tx.tenant.organization))
    return method


async def make_default(tx: Tx, customer_id: UUID, method: PaymentMethod) -> PaymentMethod:
    """Let a locked customer pay with this one of their methods from now on, tell it and return it."""
    if method.is_default:
        return method
    before = await store.find_default(tx, customer_id)
    await store.update_not_default(tx, customer_id)
    await store.update_default(tx, method.id)
    if before is not None:
        tx.announce(PaymentMethodUpdated(await store.get_method(tx, before.id), tx.tenant.organization))
    method = await store.get_method(tx, method.id)
    tx.announce(PaymentMethodUpdated(method, tx.tenant.organization))
    return method


async def go_on_with(tx: Tx, customer_id: UUID, attempt: Attempt) -> PaymentMethod | None:
    """Let a locked customer pay from now on with what this attempt was paid with, if they still have it; return it."""
    method = await store.find_by_gateway(tx, customer_id, attempt.gateway, attempt.gateway_method)
    return None if method is None else await make_default(tx, customer_id, method)


async def begin_charge(
    tx: Tx,
    id: UUID,
    method: PaymentMethod,
    subject: str,
    amount_units: int,
    currency: str,
    *,
    is_on_session: bool = False,
) -> Attempt:
    """Write and return an attempt to take so much from a method; its id is the key that the gateway gets.

    `is_on_session`: the customer is there, and can be asked to authenticate it.
    """
    attempt = Attempt(
        id=id,
        kind=AttemptKind.CHARGE,
        gateway=method.gateway,
        subject=subject,
        charge_id=None,
        gateway_method=method.gateway_method,
        amount_units=amount_units,
        currency=currency,
        status=AttemptStatus.PENDING,
        begun_at=tx.machine_now,
        is_on_session=is_on_session,
    )
    await store.insert_attempt(tx, attempt)
    return attempt


async def begin_refund(tx: Tx, id: UUID, charge_id: UUID, subject: str, amount_units: int) -> Attempt:
    """Write and return an attempt to give back so much of what a charge took."""
    charge = await store.get_attempt(tx, charge_id)
    attempt = Attempt(
        id=id,
        kind=AttemptKind.REFUND,
        gateway=charge.gateway,
        subject=subject,
        charge_id=charge_id,
        gateway_method=charge.gateway_method,
        amount_units=amount_units,
        currency=charge.currency,
        status=AttemptStatus.PENDING,
        begun_at=tx.machine_now,
    )
    await store.insert_attempt(tx, attempt)
    return attempt


async def ask(tenant: Tenant, attempt: Attempt) -> Outcome:
    """Have an attempt carried out, with no transaction open; PENDING where the gateway does not say how it ended."""
    return await gateway.ask(gateway_named(attempt.gateway), tenant, attempt)


async def carry_out(tenant: Tenant, attempt: Attempt, now: datetime, *, is_new: bool) -> Outcome:
    """Return how an attempt ended for which a caller waits; PENDING where the gateway does not say it in good time.

    An attempt that was begun before is only looked up first: it may be too old to be asked for under its key. `now`
    is machine time.
    """
    try:
        async with asyncio.timeout(rules.WAIT_SECONDS):
            outcome = await ask(tenant, attempt) if is_new else UNKNOWN
            # An answer that got lost is there when one asks for it; one that is late is not.
            is_lost = outcome.status is AttemptStatus.PENDING and not outcome.is_told_later
            return await ask_again(tenant, attempt, now) if is_lost else outcome
    except TimeoutError:
        return UNKNOWN


async def ask_again(tenant: Tenant, attempt: Attempt, now: datetime) -> Outcome:
    """Return how an attempt ended that nobody heard of since; carried out now if it never was, unless it is too old.

    `now` is machine time.
    """
    found = await gateway.look_up(gateway_named(attempt.gateway), tenant, attempt)
    if found is not None:
        return found
    return rules.ABANDONED if rules.is_too_old(attempt, now) else await ask(tenant, attempt)


async def cancel(tenant: Tenant, attempt: Attempt) -> Outcome:
    """Let a pending charge come to nothing and return how it ended, or how it had ended; PENDING without an answer."""
    try:
        async with asyncio.timeout(rules.WAIT_SECONDS):
            return await gateway.cancel(gateway_named(attempt.gateway), tenant, attempt)
    except TimeoutError:
        return UNKNOWN


async def authenticate(tenant: Tenant, attempt: Attempt, *, is_approved: bool) -> Outcome:
    """Let a customer approve of a charge that waits for them, or refuse, on the sandbox's page; return how it ended."""
    return await gateway.authenticate(gateway_named(attempt.gateway), tenant, attempt.id, is_approved=is_approved)


async def settle(tx: Tx, id: UUID, outcome: Outcome) -> bool:
    """Note how an attempt ended and say whether that is news; an end that is not known yet never is."""
    if outcome.status is AttemptStatus.PENDING:
        await store.update_asked(tx, id, outcome.answers_at)
        return False
    text = None if outcome.failure is None else rules.text_of(outcome.failure)
    is_news = await store.update_settled(tx, id, outcome, text)
    if not is_news and outcome.status is AttemptStatus.SUCCEEDED:
        attempt = await store.get_attempt(tx, id)
        if attempt.status is AttemptStatus.FAILED:
            # Given up as unknown, and found after all: nothing of ours tells of this money, so somebody has to.
            log.error("money moved by an attempt that was given up", attempt=str(id), subject=attempt.subject)
    return is_news
