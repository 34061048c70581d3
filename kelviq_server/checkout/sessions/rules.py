"""When a session can be paid, until when, what it offers, and what its timeline says."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from kelviq_server.billing.orders.records import EventStatus
from kelviq_server.checkout.offers.records import Choice
from kelviq_server.checkout.sessions.records import PAYABLE, Details, NewSessionEvent, Session, SessionStatus
from kelviq_server.core.money import to_amount
from kelviq_server.payments.records import Failure
from kelviq_server.platform.wire import InvalidFields

# By the tenant's clock.
LIFETIME = timedelta(hours=24)
# For so long after that one stays of which no payment was begun.
KEPT = timedelta(days=30)
# Whoever tries more cards is looking for one that works.
MAX_TURNS = 20
MAX_PLANS = 100


def is_payable(session: Session, now: datetime) -> bool:
    """Say whether a payment may be begun."""
    return session.status in PAYABLE and now < session.expires_at and session.turn < MAX_TURNS


def is_over(session: Session, now: datetime) -> bool:
    """Say whether a session has expired, though nobody may have noted it yet."""
    is_late = session.status in PAYABLE and now >= session.expires_at
    return is_late or session.status is SessionStatus.EXPIRED


def offering_of(choices: list[Choice], product_name: str, exponent: int) -> Mapping[str, Any]:
    """Return what is offered as answers show it."""
    return {
        "product": product_name,
        "plans": [
            {
                "identifier": choice.plan,
                "name": choice.version.name,
                "version": choice.version.version,
                "prices": [
                    {"chargePeriod": period, "amount": str(to_amount(units, exponent))}
                    for period, units in choice.costs.items()
                ],
            }
            for choice in choices
        ],
    }


def identifiers(name: str, text: str | None) -> list[str]:
    """Return identifiers that a field has separated by commas; raises InvalidFields for very many."""
    found = list(dict.fromkeys(part.strip() for part in (text or "").split(",") if part.strip()))
    if len(found) > MAX_PLANS:
        raise InvalidFields({name: [f"Ensure this field has no more than {MAX_PLANS} elements."]})
    return found


def created(product_name: str) -> NewSessionEvent:
    """Return what is noted when a session is opened."""
    return NewSessionEvent(
        "checkout_session.created", "Checkout session created", EventStatus.SUCCESS, {"primary": product_name}
    )


def details_provided(details: Details) -> NewSessionEvent:
    """Return what is noted when a buyer says who they are."""
    said = {"primary": details.email or details.name or "", "secondary": details.country or ""}
    return NewSessionEvent(
        "checkout_session.customer_details_updated",
        "Customer details updated",
        EventStatus.SUCCESS,
        {name: value for name, value in said.items() if value},
    )


def attempted(amount: str, card: Mapping[str, Any]) -> NewSessionEvent:
    """Return what is noted when a payment is begun."""
    return NewSessionEvent(
        "checkout_session.payment_attempted", "Payment attempted", EventStatus.PENDING, {"primary": amount} | _of(card)
    )


def waits() -> NewSessionEvent:
    """Return what is noted when a payment waits for its customer."""
    return NewSessionEvent(
        "checkout_session.payment_requires_action", "Payment requires authentication", EventStatus.PENDING, {}
    )


def failed(code: str, text: str) -> NewSessionEvent:
    """Return what is noted when a payment failed."""
    return NewSessionEvent(
        "checkout_session.payment_failed", "Payment failed", EventStatus.FAILED, {"primary": text, "code": code}
    )


def completed(amount: str, order_id: str) -> NewSessionEvent:
    """Return what is noted when it is bought."""
    return NewSessionEvent(
        "checkout_session.completed",
        "Checkout completed",
        EventStatus.SUCCESS,
        {"primary": amount, "secondary": order_id},
    )


def expired() -> NewSessionEvent:
    """Return what is noted when a session is over without a purchase."""
    return NewSessionEvent("checkout_session.expired", "Checkout session expired", EventStatus.FAILED, {})


def text_for_buyer(failure: Failure, text: str) -> str:
    """Return why a payment failed, as its buyer reads it."""
    if failure is Failure.AUTHENTICATION_REQUIRED:
        return "The payment was not authenticated. Try again, or use another card."
    return text


def _of(card: Mapping[str, Any]) -> dict[str, str]:
    if "last4" not in card:
        return {}
    return {"secondary": f"{card.get('brand', 'card')} ending {card['last4']}"}
