"""Changes of subscriptions as the wire spells them."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Invoice
from kelviq_server.core.money import to_amount
from kelviq_server.platform.values import Number, currency_exponents
from kelviq_server.platform.wire import Answer, Body, Identifier, wire_instant
from kelviq_server.subscriptions.changes.records import ChangePlan, EndTrial, Preview, ProrationBehavior
from kelviq_server.subscriptions.purchases.schemas import BoughtFeatures, IpAddress

# A trial that ends later is a mistake, and the period after it could not be counted.
MAX_YEAR = 2999


def _end_of_trial(value: Any) -> Any:
    if value is None or value == "now":
        return value
    try:
        at = datetime.fromisoformat(value)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if at.year > MAX_YEAR:
            raise ValueError
        return at
    except (TypeError, ValueError, OverflowError):
        raise PydanticCustomError("trial_end", 'Enter "now" or a valid date and time.') from None


TrialEnd = Annotated[
    Literal["now"] | datetime | None,
    BeforeValidator(_end_of_trial),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "null"}]}),
]


class UpdateSubscriptionRequest(Body):
    """What a subscription is to have from now on."""

    plan_identifier: Identifier = Field(description="The plan; also where it stays the same.", examples=["pro"])
    charge_period: ChargePeriod = Field(description="How often it is charged. Another one begins a new period now.")
    features: BoughtFeatures = Field(
        None, description="How many of each feature, whole numbers rather than differences; as before if missing."
    )
    proration_behavior: ProrationBehavior | None = Field(
        None,
        description="Whether the difference for the rest of the period is charged at once, with the next invoice, or"
        " not at all. `IMMEDIATE_CHARGE` if missing.",
    )
    probation_behaviour: ProrationBehavior | None = Field(
        None, description="Old spelling of `prorationBehavior`.", json_schema_extra={"deprecated": True}
    )
    trial_end: TrialEnd = Field(
        None,
        description="`now` ends a trial and charges; an instant, in UTC unless it says otherwise, is its new end. A"
        " trial stays as it is if missing.",
        examples=["2027-12-31 23:59:59"],
    )
    payment_behavior: Literal["activate_on_payment"] | None = Field(
        None, description="`activate_on_payment`: what there is stays in force until the change is paid."
    )
    ip_address: IpAddress | None = Field(
        None, description="From where the customer buys: a plan is not sold where their address is from."
    )

    def change(self, id: UUID, request_id: UUID | None) -> ChangePlan:
        """Return the change."""
        end_trial = None
        if self.trial_end is not None:
            end_trial = EndTrial() if self.trial_end == "now" else EndTrial(self.trial_end)
        return ChangePlan(
            id=id,
            plan=self.plan_identifier,
            period=self.charge_period,
            features=None
            if self.features is None
            else [BoughtFeature(feature.identifier, feature.quantity) for feature in self.features],
            proration=self.proration_behavior or self.probation_behaviour or ProrationBehavior.IMMEDIATE_CHARGE,
            end_trial=end_trial,
            activates_on_payment=self.payment_behavior is not None,
            address=self.ip_address,
            request_id=request_id,
        )


class UpdateSubscriptionResponse(Answer):
    """The record that stands for the change."""

    subscription_id: UUID = Field(description="The new record's UUID, if anything changed.")


class PreviewLineItem(Answer):
    """A line of an invoice."""

    description: str
    amount: Number = Field(description="With tax, in the major unit.")
    amount_units: int


class PreviewInvoice(Answer):
    """An invoice that would come."""

    amount_due: Number = Field(description="What is left to pay when the customer's credit has paid its part.")
    amount_due_units: int
    next_payment_attempt: datetime | None
    line_items: list[PreviewLineItem]


class PreviewSubscriptionUpdateResponse(Answer):
    """What a change would come to at this instant."""

    currency: str
    recurring_amount: Number = Field(description="What each later period comes to, with tax.")
    recurring_amount_units: int
    amount_charged_immediately: Number = Field(description="What would be charged at once.")
    amount_charged_immediately_units: int
    immediate_line_items: list[PreviewLineItem] = Field(description="What that consists of, before credit.")
    credit_added_units: int = Field(description="By how much the customer's credit would grow.")
    next_invoice: PreviewInvoice | None = Field(description="The invoice of the next period; null without any.")


def preview_answer(preview: Preview) -> dict[str, Any]:
    """Return a preview as the API answers with it."""
    exponent = currency_exponents()[preview.currency]

    def amount(units: int) -> Decimal:
        return to_amount(units, exponent)

    def lines(invoice: Invoice | None) -> list[dict[str, Any]]:
        return [
            {
                "description": line.item.what,
                "amount": amount(line.taxed.gross_units),
                "amountUnits": line.taxed.gross_units,
            }
            for line in (invoice.lines if invoice else ())
        ]

    due = max(preview.invoice.due_units, 0) if preview.invoice else 0
    recurring = preview.recurring.total_units if preview.recurring else 0
    following = preview.next_invoice
    return {
        "currency": preview.currency,
        "recurringAmount": amount(recurring),
        "recurringAmountUnits": recurring,
        "amountChargedImmediately": amount(due),
        "amountChargedImmediatelyUnits": due,
        "immediateLineItems": lines(preview.invoice),
        "creditAddedUnits": max(-preview.invoice.total_units, 0) if preview.invoice else 0,
        "nextInvoice": None
        if following is None
        else {
            "amountDue": amount(max(following.due_units, 0)),
            "amountDueUnits": max(following.due_units, 0),
            "nextPaymentAttempt": None if preview.next_at is None else wire_instant(preview.next_at),
            "lineItems": lines(following),
        },
    }
