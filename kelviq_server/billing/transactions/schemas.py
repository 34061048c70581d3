"""Transactions as the wire spells them."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.billing.orders.records import WholeOrder
from kelviq_server.billing.orders.schemas import OrderResponse, currency_symbol, order_answer
from kelviq_server.billing.transactions.records import FeeName, Transaction, TransactionKind, TransactionStatus
from kelviq_server.core.money import to_amount
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Number, currency_exponents
from kelviq_server.platform.wire import Answer, wire_instant


class MorFeeBreakdownComponent(Answer):
    """One part of the fee."""

    name: FeeName
    percentage: str | None = Field(description="Null for what is fixed.", examples=["2.9"])
    value_units: int = Field(description="In the currency's minor unit.")
    currency: str


class TransactionResponse(Answer):
    """An attempt to move money, and what it came to for the merchant. Where money goes back, amounts are negative."""

    id: UUID
    order: OrderResponse | dict[str, Any] = Field(description="The order; `{}` while its payment is on its way.")
    created_on: datetime
    currency: str
    currency_symbol: str
    amount_total: Number = Field(description="What the customer paid, with tax.")
    mor_fee: Number = Field(description="What the instance keeps.")
    mor_fee_breakdown: list[MorFeeBreakdownComponent] = Field(description="What the fee consists of.")
    collected_tax: Number = Field(description="The tax in it.")
    net_payout: Number = Field(description="What is left for the merchant.")
    status: TransactionStatus
    transaction_type: TransactionKind
    payment_method_type: str
    available_on: date | None = Field(description="From when on the merchant has it.")
    is_settled: bool = Field(description="Whether the merchant has it already, by the environment's clock.")
    payment_method_name: str | None
    last4: str | None


class TransactionListResponse(ListAnswer):
    """One page of the transactions, newest first."""

    results: list[TransactionResponse] = Field(description="The transactions of this page.")


def transaction_answer(each: Transaction, whole: WholeOrder, today: date, base_url: str) -> dict[str, Any]:
    """Return a transaction as the API answers with it; `today` is the tenant's."""
    exponent = currency_exponents()[each.currency]
    fees = [
        {
            "name": fee.name,
            "percentage": None if fee.percentage is None else str(fee.percentage),
            "valueUnits": fee.value_units,
            "currency": fee.currency,
        }
        for fee in each.fees
    ]
    return {
        "id": each.id,
        "order": {} if whole.order.status == "PENDING" else order_answer(whole, base_url),
        "createdOn": wire_instant(each.created_at),
        "currency": each.currency,
        "currencySymbol": currency_symbol(each.currency),
        "amountTotal": to_amount(each.amount_units, exponent),
        "morFee": to_amount(each.fee_units, exponent),
        "morFeeBreakdown": fees,
        "collectedTax": to_amount(each.tax_units, exponent),
        "netPayout": to_amount(each.net_units, exponent),
        "status": each.status,
        "transactionType": each.kind,
        "paymentMethodType": each.payment_method.type,
        "availableOn": each.available_on,
        "isSettled": each.available_on is not None and each.available_on <= today,
        "paymentMethodName": each.payment_method.name,
        "last4": each.payment_method.last4,
    }
