"""Refunds as the wire spells them."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BeforeValidator, Field, WithJsonSchema

from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.billing.orders.schemas import OrderResponse, order_answer
from kelviq_server.billing.refunds.records import NewRefund, Refund, RefundReason, RefundStatus
from kelviq_server.core.money import to_amount
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import MAX_AMOUNT, MAX_INT, Between, Number, currency_exponents, exact_number
from kelviq_server.platform.wire import Answer, Body, Description, Identifier

Reason = Literal["DUPLICATE", "FRAUDULENT", "REQUESTED_BY_CUSTOMER", "OTHER"]
PositiveAmount = Annotated[
    Decimal,
    BeforeValidator(exact_number),
    Field(gt=0, le=MAX_AMOUNT),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": MAX_AMOUNT}),
]


class RefundCreateRequest(Body):
    """How much of an order to give back; without an amount, all that is left."""

    order_id: Identifier = Field(description="The order.", examples=["ORD-20260715123000-A1B2C"])
    amount_units: Annotated[int, Between(1, MAX_INT)] | None = Field(
        None, description="In the currency's minor unit; counts before `amount`.", examples=[2500]
    )
    amount: PositiveAmount | None = Field(None, description="In the currency's major unit.", examples=[25])
    reason: Reason | None = Field(None, description="`REQUESTED_BY_CUSTOMER` if missing.")
    internal_note: Description | None = Field(None, description="For yourself.")

    def new_refund(self, request_id: UUID | None) -> NewRefund:
        """Return what the refund is made from."""
        reason = RefundReason(self.reason) if self.reason else RefundReason.REQUESTED_BY_CUSTOMER
        return NewRefund(self.order_id, self.amount_units, self.amount, reason, self.internal_note, request_id)


class RefundResponse(Answer):
    """Money of an order that goes back."""

    id: UUID
    reason: RefundReason | None
    amount_units: int = Field(description="In the currency's minor unit.")
    amount: Number = Field(description="In the currency's major unit.")
    internal_note: str | None
    failure_reason: str | None = Field(description="Why it failed, if it did.")
    status: RefundStatus = Field(description="`PROCESSING` while the payment gateway has not said how it ended.")
    order: OrderResponse = Field(description="The order as it is now.")


class RefundListResponse(ListAnswer):
    """One page of the refunds, newest first."""

    results: list[RefundResponse] = Field(description="The refunds of this page.")


def refund_answer(refund: Refund, whole: WholeOrder, base_url: str) -> dict[str, Any]:
    """Return a refund as the API answers with it."""
    return {
        "id": refund.id,
        "reason": refund.reason,
        "amountUnits": refund.amount_units,
        "amount": to_amount(refund.amount_units, currency_exponents()[whole.order.currency]),
        "internalNote": refund.internal_note,
        "failureReason": refund.failure_reason,
        "status": refund.status,
        "order": order_answer(whole, base_url),
    }
