"""What stops a payment, or a change of how somebody pays."""

from kelviq_server.core.errors import Refusal
from kelviq_server.payments.records import Failure


class PaymentMethodRequired(Refusal):
    """A payment method is required to complete this payment."""


class PaymentDeclined(Refusal):
    """The payment was declined. Ask the customer for another payment method."""


class PaymentNeedsAuthentication(Refusal):
    """The payment requires authentication. Use checkout so that the customer can complete it."""


class CardRefused(Refusal):
    """The card was declined."""

    field = "cardNumber"

    def __init__(self, text: str | None = None, failure: Failure = Failure.DECLINED) -> None:
        super().__init__(*([] if text is None else [text]))
        self.failure = failure


class NotATestCard(Refusal):
    """Use a test card: no real card number is taken here."""

    field = "cardNumber"


class NoCardsTaken(Refusal):
    """Payment methods of this environment are saved on the payment gateway's own page."""


class DefaultMethodInUse(Refusal):
    """The default payment method cannot be deleted while there are others. Make another one the default first."""


class NoGatewayConfigured(Refusal):
    """No payment gateway is configured for this environment."""

    status = 428


class GatewayUnavailable(Refusal):
    """The payment gateway did not answer. Try again."""

    status = 503
    retry_after_seconds = 5
