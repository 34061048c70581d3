"""The gateway that is built in: test cards, no money. It stands in for a company elsewhere and keeps its own books.

Its memory is in the database, in tables that nothing else reads, so a restart forgets nothing.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar
from uuid import UUID

from kelviq_server.payments.errors import CardRefused, NotATestCard
from kelviq_server.payments.gateways import store
from kelviq_server.payments.gateways.gateway import ForgedNews, GatewayFault
from kelviq_server.payments.records import UNKNOWN, Attempt, AttemptStatus, Failure, NewCard, Outcome, SavedMethod
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.platform.ids import random_text
from kelviq_server.platform.vault import current_vault

# How long, by the tenant's clock, a card takes that answers late.
LATE = timedelta(hours=1)
SIGNATURE_HEADER = "sandbox-signature"


class Behavior(StrEnum):
    """What a test card does."""

    SUCCEEDS = "succeeds"
    # Cannot even be saved.
    IS_DECLINED = "is_declined"
    HAS_NO_FUNDS = "has_no_funds"
    # Can be saved, and is declined whenever it is charged.
    FAILS_LATER = "fails_later"
    # Asks whoever is there, and is charged without them once they have approved of a payment.
    ASKS_FOR_AUTHENTICATION = "asks_for_authentication"
    # Such a card, from then on.
    WAS_AUTHENTICATED = "was_authenticated"
    # Asks whoever is there, and is never charged without them.
    ALWAYS_ASKS = "always_asks"
    # Is charged, but the answer gets lost; whoever asks again is told.
    LOSES_THE_ANSWER = "loses_the_answer"
    # Says an hour later that it was charged, or that it was declined.
    ANSWERS_LATE = "answers_late"
    DECLINES_LATE = "declines_late"
    # Is charged, but what it paid cannot be given back.
    CANNOT_REFUND = "cannot_refund"


@dataclass(frozen=True, slots=True)
class _TestCard:
    behavior: Behavior
    country: str = "US"
    brand: str = "visa"
    funding: str = "credit"


_CARDS = {
    "4242424242424242": _TestCard(Behavior.SUCCEEDS),
    "5555555555554444": _TestCard(Behavior.SUCCEEDS, brand="mastercard"),
    "378282246310005": _TestCard(Behavior.SUCCEEDS, brand="amex"),
    "4000002760000016": _TestCard(Behavior.SUCCEEDS, country="DE"),
    "4000008260000000": _TestCard(Behavior.SUCCEEDS, country="GB"),
    "4000003560000008": _TestCard(Behavior.SUCCEEDS, country="IN"),
    "4000000000000002": _TestCard(Behavior.IS_DECLINED),
    "4000000000009995": _TestCard(Behavior.HAS_NO_FUNDS),
    "4000000000000341": _TestCard(Behavior.FAILS_LATER),
    "4000002500003155": _TestCard(Behavior.ASKS_FOR_AUTHENTICATION),
    "4000002760003184": _TestCard(Behavior.ALWAYS_ASKS),
    "4000000000005019": _TestCard(Behavior.LOSES_THE_ANSWER),
    "4000000000005035": _TestCard(Behavior.ANSWERS_LATE),
    "4000000000005043": _TestCard(Behavior.DECLINES_LATE),
    "4000000000005126": _TestCard(Behavior.CANNOT_REFUND),
}
_FAILURES = {
    Behavior.FAILS_LATER: Failure.DECLINED,
    Behavior.ASKS_FOR_AUTHENTICATION: Failure.AUTHENTICATION_REQUIRED,
    Behavior.ALWAYS_ASKS: Failure.AUTHENTICATION_REQUIRED,
}
_ASKING = (Behavior.ASKS_FOR_AUTHENTICATION, Behavior.WAS_AUTHENTICATED, Behavior.ALWAYS_ASKS)


class SandboxGateway:
    """Charges test cards."""

    takes_card_numbers: ClassVar[bool] = True

    async def save_method(self, tenant: Tenant, card: NewCard) -> SavedMethod:
        """Return a test card as it is kept; raises CardRefused for one that is declined, NotATestCard for any other."""
        known = _CARDS.get(card.number)
        if known is None:
            raise NotATestCard
        if known.behavior is Behavior.IS_DECLINED:
            raise CardRefused
        if known.behavior is Behavior.HAS_NO_FUNDS:
            raise CardRefused("The card was declined: insufficient funds.", Failure.INSUFFICIENT_FUNDS)
        async with transaction(tenant) as tx:
            if (card.exp_year, card.exp_month) < (tx.now.year, tx.now.month):
                raise CardRefused("The card has expired.", Failure.EXPIRED_CARD)
            id = f"card_{random_text()}"
            await store.insert_card(tx, id, known.behavior)
        data = {
            "brand": known.brand,
            "last4": card.number[-4:],
            "expMonth": card.exp_month,
            "expYear": card.exp_year,
            "funding": known.funding,
            "country": known.country,
        }
        return SavedMethod(id, "card", data)

    async def charge(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Charge a card, once for each key."""
        async with transaction(tenant) as tx:
            await store.lock_key(tx, attempt.id)
            before = await store.find_payment(tx, attempt.id)
            if before is not None:
                return await _now_known(tx, attempt.id, before)
            behavior = Behavior(await store.get_behavior(tx, attempt.gateway_method))
            outcome = _first_answer(tx, behavior, is_on_session=attempt.is_on_session)
            at_last = Failure.DECLINED if behavior is Behavior.DECLINES_LATE else outcome.failure
            await store.insert_payment(tx, attempt, outcome, at_last)
        if behavior is Behavior.LOSES_THE_ANSWER:
            raise GatewayFault("the connection broke")
        return outcome

    async def cancel(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Let a charge come to nothing that waits for its customer, or was never made; a late one is told at once."""
        async with transaction(tenant) as tx:
            await store.lock_key(tx, attempt.id)
            before = await store.find_payment(tx, attempt.id)
            if before is None:
                outcome = _failed(Failure.GIVEN_UP)
                await store.insert_payment(tx, attempt, outcome, outcome.failure)
                return outcome
            if before.needs_action:
                return await store.update_authenticated(tx, attempt.id, Failure.AUTHENTICATION_REQUIRED)
            return before if before.status is not AttemptStatus.PENDING else await store.update_late(tx, attempt.id)

    async def authenticate(self, tenant: Tenant, key: UUID, *, is_approved: bool) -> Outcome:
        """Let the customer of a charge that waits for them approve of it, or refuse; once."""
        async with transaction(tenant) as tx:
            await store.lock_key(tx, key)
            before = await store.find_payment(tx, key)
            if before is None:
                # Nobody asked for it yet: there is nothing to approve of.
                return UNKNOWN
            if not before.needs_action:
                return await _now_known(tx, key, before)
            if is_approved:
                await store.update_behavior(tx, key, Behavior.ASKS_FOR_AUTHENTICATION, Behavior.WAS_AUTHENTICATED)
            failure = None if is_approved else Failure.AUTHENTICATION_REQUIRED
            return await store.update_authenticated(tx, key, failure)

    async def refund(self, tenant: Tenant, attempt: Attempt) -> Outcome:
        """Give back what a charge took, once for each key, and never more than it took."""
        assert attempt.charge_id is not None
        async with transaction(tenant) as tx:
            await store.lock_key(tx, attempt.id)
            before = await store.find_payment(tx, attempt.id)
            if before is not None:
                return before
            behavior = Behavior(await store.get_behavior(tx, attempt.gateway_method))
            can = behavior is not Behavior.CANNOT_REFUND and await store.update_refunded(
                tx, attempt.charge_id, attempt.amount_units
            )
            outcome = _done() if can else _failed(Failure.NOT_REFUNDABLE)
            await store.insert_payment(tx, attempt, outcome, outcome.failure)
        if behavior is Behavior.LOSES_THE_ANSWER:
            raise GatewayFault("the connection broke")
        return outcome

    async def look_up(self, tenant: Tenant, key: UUID) -> Outcome | None:
        """Return what became of a charge or refund."""
        async with transaction(tenant) as tx:
            found = await store.find_payment(tx, key)
            return None if found is None else await _now_known(tx, key, found)

    def news_of(self, body: bytes, headers: Mapping[str, str]) -> UUID:
        """Return the key that signed news are about: the body is the key, the signature its HMAC."""
        if not hmac.compare_digest(headers.get(SIGNATURE_HEADER, ""), signature(body)):
            raise ForgedNews
        return UUID(body.decode())


def signature(body: bytes) -> str:
    """Return how the sandbox signs its news."""
    return hmac.new(current_vault().derive("sandbox gateway news"), body, hashlib.sha256).hexdigest()


def _first_answer(tx: Tx, behavior: Behavior, *, is_on_session: bool) -> Outcome:
    if behavior in _ASKING and is_on_session:
        return Outcome(AttemptStatus.PENDING, _reference(), needs_action=True)
    if behavior in (Behavior.ANSWERS_LATE, Behavior.DECLINES_LATE):
        return Outcome(AttemptStatus.PENDING, _reference(), answers_at=tx.now + LATE)
    failure = _FAILURES.get(behavior)
    return _done() if failure is None else _failed(failure)


async def _now_known(tx: Tx, key: UUID, outcome: Outcome) -> Outcome:
    """Return a remembered outcome, which is a late one's answer once its time has come."""
    if outcome.answers_at is None or outcome.status is not AttemptStatus.PENDING or tx.now < outcome.answers_at:
        return outcome
    return await store.update_late(tx, key)


def _done() -> Outcome:
    return Outcome(AttemptStatus.SUCCEEDED, _reference())


def _failed(failure: Failure) -> Outcome:
    return Outcome(AttemptStatus.FAILED, _reference(), failure)


def _reference() -> str:
    return f"pay_{random_text()}"
