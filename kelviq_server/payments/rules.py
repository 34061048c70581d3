"""What a payment's failure means, and when it is too late to go on with one."""

from datetime import datetime, timedelta

from kelviq_server.core.errors import Refusal
from kelviq_server.payments.errors import PaymentDeclined, PaymentNeedsAuthentication
from kelviq_server.payments.records import Attempt, AttemptStatus, Failure, Outcome

# Gateways remember keys for a day; after that the same key could charge a second time.
ASK_WITHIN = timedelta(hours=23)
# The official clients give up after ten seconds, and whoever gave up may charge again.
WAIT_SECONDS = 7
ABANDONED = Outcome(AttemptStatus.FAILED, failure=Failure.ABANDONED)

_TEXTS = {
    Failure.DECLINED: "The payment was declined.",
    Failure.INSUFFICIENT_FUNDS: "The payment was declined: insufficient funds.",
    Failure.EXPIRED_CARD: "The card has expired.",
    Failure.AUTHENTICATION_REQUIRED: "The payment requires authentication.",
    Failure.NOT_REFUNDABLE: "The payment cannot be given back.",
    Failure.ABANDONED: "The payment gateway never heard of it.",
    Failure.NO_METHOD: "There is no payment method.",
    Failure.GIVEN_UP: "The payment is not asked for any more.",
}


def text_of(failure: Failure) -> str:
    """Return a failure as people read it."""
    return _TEXTS[failure]


def refusal_of(failure: Failure) -> Refusal:
    """Return what a caller is told whose payment failed."""
    if failure is Failure.AUTHENTICATION_REQUIRED:
        return PaymentNeedsAuthentication()
    return PaymentDeclined() if failure is Failure.DECLINED else PaymentDeclined(text_of(failure))


def is_too_old(attempt: Attempt, now: datetime) -> bool:
    """Say whether an attempt began too long ago to be carried out; `now` is machine time."""
    return now - attempt.begun_at > ASK_WITHIN
