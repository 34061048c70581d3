"""What the parts of billing borrow of transactions: attempts, and what they come to for the merchant."""

from datetime import timedelta
from uuid import UUID

from kelviq_server.billing.orders.records import Order, PaidWith
from kelviq_server.billing.transactions import rules, store
from kelviq_server.billing.transactions.records import FeeTerms, NewTransaction, Success, TransactionKind
from kelviq_server.billing.transactions.store import find_charge, find_last_charge
from kelviq_server.catalog.products import steps as products
from kelviq_server.core.search import folded_fields
from kelviq_server.payments.records import Outcome
from kelviq_server.platform.database import Tx

__all__ = [
    "find_charge",
    "find_last_charge",
    "note_attempt",
    "note_failure",
    "note_success",
    "use_fee_terms",
]

_terms = FeeTerms()


def use_fee_terms(terms: FeeTerms) -> None:
    """Make these the fees that this process reckons with."""
    global _terms
    _terms = terms


async def note_attempt(
    tx: Tx, id: UUID, kind: TransactionKind, order: Order, amount_units: int, method: PaidWith, refund_id: UUID | None
) -> None:
    """Write an attempt that is about to be made for an order; `amount_units` is negative where money goes back."""
    buyer = order.buyer
    product = (await products.list_by_id(tx, {order.product_id}))[order.product_id]
    folded = folded_fields(order.id, buyer.name, buyer.email, buyer.external_id, product.name, method.type, method.name)
    await store.insert_transaction(
        tx, NewTransaction(id, kind, order.id, refund_id, order.currency, amount_units, method, folded)
    )


async def note_success(
    tx: Tx, id: UUID, order: Order, outcome: Outcome, amount_units: int, tax_units: int, sold_units: int | None
) -> Success:
    """Note that an attempt succeeded and return what it came to; without `sold_units` it bears no fees."""
    fees = (
        []
        if sold_units is None
        else rules.fees(
            _terms,
            amount_units,
            order.currency,
            sold_units,
            is_renewing=order.billing_type == "SUBSCRIPTION",
            card_country=order.payment_method.country if order.payment_method else None,
        )
    )
    available_on = (tx.now + timedelta(days=rules.SETTLEMENT_DAYS)).date()
    success = Success(fees, tax_units, outcome.reference, available_on)
    await store.update_succeeded(tx, id, success)
    return success


async def note_failure(tx: Tx, id: UUID, outcome: Outcome) -> None:
    """Note that an attempt failed."""
    await store.update_failed(tx, id, outcome.reference)
