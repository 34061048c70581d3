"""Charge a customer at once, with the payment method that is on file."""

import structlog

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.charges.records import NewCharge
from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import (
    BilledCustomer,
    BillingType,
    Opened,
    OrderStatus,
    Sale,
    WholeOrder,
)
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.errors import PlanNotForSale
from kelviq_server.billing.settlement.actions.settle_payment import settle_payment
from kelviq_server.billing.transactions import steps as transactions
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.products import steps as products
from kelviq_server.core.discount import Discount
from kelviq_server.core.errors import NotFound
from kelviq_server.core.invoice import Item, make_invoice
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.payments.errors import PaymentMethodRequired
from kelviq_server.payments.records import AttemptStatus
from kelviq_server.platform.database import Tenant, Tx, reading, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.platform.values import currency_exponents
from kelviq_server.promotions.by_country import steps as promotions
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.taxes import steps as taxes

log = structlog.get_logger()


async def create_charge(tenant: Tenant, new: NewCharge) -> WholeOrder:
    """Return the paid order.

    Called again for the same request, it goes on where the first call ended, and never charges twice.
    Raises CustomerUnknown, PlanNotForSale, what the rules and discounts refuse, PaymentMethodRequired,
    PaymentDeclined, PaymentNeedsAuthentication; and PaymentUnsettled where nobody knows yet.
    """
    async with transaction(tenant) as tx:
        now = tx.machine_now
        before = await _find_opened(tx, new)
        opened = before or await _open(tx, new)
    if opened.attempt is not None and opened.attempt.status is AttemptStatus.PENDING:
        outcome = await payments.carry_out(tenant, opened.attempt, now, is_new=before is None)
        try:
            whole = await settle_payment(tenant, opened.attempt, outcome)
        except Exception:
            # The money may have been taken: whoever would try again after a fault of ours would pay twice.
            log.exception("payment not settled", order=opened.order_id)
            raise _unsettled(opened.order_id) from None
    else:
        async with reading(tenant) as tx:
            [whole] = (await orders.wholes_by_id(tx, [opened.order_id])).values()
    if whole.order.status is OrderStatus.FAILED:
        assert opened.attempt is not None
        async with reading(tenant) as tx:
            attempt = await payments.get_attempt(tx, opened.attempt.id)
        assert attempt.failure is not None
        raise payments.refusal_of(attempt.failure)
    if whole.order.status is OrderStatus.PENDING:
        raise _unsettled(whole.order.id)
    return whole


def _unsettled(order_id: str) -> PaymentUnsettled:
    return PaymentUnsettled(
        f"How the payment of order {order_id} ended is not known yet: do not charge again. The order is there once it"
        " is known; until then its transaction is listed as pending."
    )


async def _find_opened(tx: Tx, new: NewCharge) -> Opened | None:
    """Return what an earlier call for the same request opened, or None."""
    order = None if new.request_id is None else await orders.find_by_request(tx, new.request_id)
    if order is None:
        return None
    id = await transactions.find_last_charge(tx, order.id)
    return Opened(order.id, None if id is None else await payments.get_attempt(tx, id))


async def _open(tx: Tx, new: NewCharge) -> Opened:
    customer = await _customer(tx, new.customer)
    # The same request may have opened it while this one waited for the customer.
    if (before := await _find_opened(tx, new)) is not None:
        return before
    version = await plans.find_for_sale(tx, new.plan)
    if version is None:
        raise PlanNotForSale
    method = await payments.find_default(tx, customer.id)
    place = sales.place_of(customer, method, new.address)
    sales.refuse_elsewhere(version, place.country)
    currency = new.currency
    if currency is None and new.address is not None:
        currency = await sales.currency_there(tx, version, customer.id, place, new.wanted, new.discount_code)
    price = sales.price_for(version, currency, await orders.find_currency(tx, customer.id))
    priced = sales.priced_items(
        version, price, await plans.priced_features(tx, price), new.wanted, currency_exponents()[price.currency]
    )
    product = await products.get_product(tx, version.product_id)
    tax = await taxes.tax_rule_for(
        tx, customers.buyer_of(customer), product.tax_code, is_inclusive=sales.is_inclusive(price, new.wanted)
    )
    items = [Item(item.what, item.amount_units, tax, item.quantity, item.unit_price) for item in priced]
    discount = None
    taken: list[Discount] = []
    if new.discount_code is not None:
        discount = await promotions.code_for_sale(
            tx, new.discount_code, product_id=product.id, plan_id=version.plan_id, price_id=price.id,
            currency=price.currency, country=customer.country, address=new.address,
        )  # fmt: skip
        discounts.refuse_country_unknown(discount, customer.country)
        discounts.refuse_card(discount, place.card)
        taken.append(discount.discount)
    credit = await ledger.find_credit(tx, customer.id, price.currency)
    invoice = make_invoice(items, taken, 0, credit)
    if invoice.due_units and method is None:
        raise PaymentMethodRequired
    buyer = customers.summary_of(customer)
    sale = Sale(
        buyer=BilledCustomer(
            buyer.id, buyer.external_id, buyer.name, buyer.email, buyer.billing_address, customer.tax_id
        ),
        product=product,
        version=version,
        currency=price.currency,
        invoice=invoice,
        billing_type=BillingType.ONE_TIME,
        subscription_id=new_id(tx.now),
        features=sales.bought(priced),
        method=method if invoice.due_units else None,
        request_id=new.request_id,
    )
    opened = await orders.open_order(tx, sale)
    if discount is not None:
        await discounts.redeem(
            tx, discount.id, order_id=opened.order_id, customer_id=customer.id, currency=price.currency,
            amount_units=invoice.discount_units,
        )  # fmt: skip
    return opened


async def _customer(tx: Tx, external_id: str) -> Customer:
    try:
        return await customers.lock_customer(tx, external_id)
    except NotFound:
        raise CustomerUnknown from None
