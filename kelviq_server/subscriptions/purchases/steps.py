"""What other parts and modules borrow of purchases: what one comes to, and how it is begun.

A purchase is begun in one transaction, its payment is asked for with none open, and the order's end is followed in the
next (`collection`).
"""

from dataclasses import replace
from uuid import UUID

from kelviq_server.billing.ledger import steps as ledger
from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.orders.records import Collection, Sale
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.errors import PlanNotForSale
from kelviq_server.billing.sales.records import Wanted
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price
from kelviq_server.catalog.products import steps as products
from kelviq_server.core.invoice import make_invoice
from kelviq_server.customers.records import Customer
from kelviq_server.payments.errors import PaymentMethodRequired
from kelviq_server.payments.records import PaymentMethod
from kelviq_server.platform.database import Tx
from kelviq_server.platform.values import currency_exponents
from kelviq_server.promotions.by_country import steps as promotions
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.subscriptions.life import steps as life
from kelviq_server.subscriptions.life.records import Billing
from kelviq_server.subscriptions.life.rules import period_of
from kelviq_server.subscriptions.purchases import rules
from kelviq_server.subscriptions.purchases.records import Begun, Offer, Quote, Terms
from kelviq_server.taxes import steps as taxes
from kelviq_server.taxes.records import Buyer
from kelviq_server.tenants import steps as tenants


async def quote(tx: Tx, offer: Offer, buyer: Buyer, customer_id: UUID | None, *, is_binding: bool = True) -> Quote:
    """Return what a purchase comes to for a buyer, at this instant; of a customer, with their currency and credit.

    `is_binding`: whether it is begun in this transaction; its discount is then locked.
    Raises PlanNotForSale, PeriodNotSold and whatever else stops a sale, what discounts refuse, NoTrialWithoutRenewal,
    and InvalidFields for quantities that are not sold.
    """
    version = await plans.find_for_sale(tx, offer.plan)
    if version is None:
        raise PlanNotForSale
    customers = None if customer_id is None else await orders.find_currency(tx, customer_id)
    price = sales.price_for(version, offer.currency, customers)
    exponent = currency_exponents()[price.currency]
    features = await plans.priced_features(tx, price)
    priced = sales.priced_items(version, price, features, offer.wanted, exponent)
    product = await products.get_product(tx, version.product_id)
    tax = await taxes.tax_rule_for(tx, buyer, product.tax_code, is_inclusive=sales.is_inclusive(price, offer.wanted))
    discount = None
    if offer.discount_code is not None:
        discount = await promotions.code_for_sale(
            tx, offer.discount_code, product_id=product.id, plan_id=version.plan_id, price_id=price.id,
            currency=price.currency, country=buyer.country, address=offer.address, is_binding=is_binding,
        )  # fmt: skip
    taken = [] if discount is None else [discount.discount]
    seller = await tenants.get_seller(tx)
    period = period_of(tx.now, offer.period, 0, seller.time_zone)
    credit = 0 if customer_id is None else await ledger.find_credit(tx, customer_id, price.currency)
    items = rules.items_of(priced, tax, period)
    trial_days = rules.trial_days(offer, price, is_one_time=period is None)
    first = make_invoice(items, taken, 0, 0 if trial_days else credit)
    later = None if period is None else make_invoice(items, taken, 0 if trial_days else 1, 0)
    return Quote(
        product=product,
        version=version,
        price=price,
        offer=offer,
        items=priced,
        tax=tax,
        features=sales.bought(priced),
        invoice=first if not trial_days else rules.trial_invoice(version.name, tax, rules.trial_of(tx.now, trial_days)),
        recurring=later,
        trial_days=trial_days,
        discount=discount,
    )


async def localized(tx: Tx, offer: Offer, customer: Customer, method: PaymentMethod | None) -> Offer:
    """Return what a customer wants to buy, in the currency of where they are: by the address from which it is bought.

    At the base price where their billing address or their card is from somewhere else. Who has paid before goes on
    paying in that currency, and what is asked for is not changed.
    """
    version = None if offer.address is None or offer.currency else await plans.find_for_sale(tx, offer.plan)
    if version is None:
        return offer
    place = sales.place_of(customer, method, offer.address)
    wanted, code = offer.wanted, offer.discount_code
    return replace(offer, currency=await sales.currency_there(tx, version, customer.id, place, wanted, code))


async def terms_of(tx: Tx, subscription: Billing, buyer: Buyer) -> Terms:
    """Return the terms on which a record is charged today: what it costs, how it is taxed, what is taken off."""
    version = (await plans.list_granting(tx, {subscription.version_id}))[subscription.version_id]
    price = next((price for price in version.prices if price.id == subscription.price_id), None)
    price = price or await plans.get_price(tx, subscription.price_id)
    return await terms_for(tx, subscription, version, price, rules.wanted_of(subscription), buyer)


async def terms_for(tx: Tx, before: Billing, version: PlanVersion, price: Price, wanted: Wanted, buyer: Buyer) -> Terms:
    """Return a record's terms with a version and a price; its discount where that holds for them, too.

    Raises what stops a sale, and InvalidFields for quantities that are not sold.
    """
    features = await plans.priced_features(tx, price)
    priced = sales.priced_items(version, price, features, wanted, currency_exponents()[price.currency])
    product = await products.get_product(tx, version.product_id)
    tax = await taxes.tax_rule_for(tx, buyer, product.tax_code, is_inclusive=sales.is_inclusive(price, wanted))
    discount = None
    if before.discount_id is not None:
        discount = await discounts.find_standing(
            tx, before.discount_id, product_id=product.id, plan_id=version.plan_id, price_id=price.id,
            currency=price.currency, is_same_plan=version.plan_id == before.plan_id,
        )  # fmt: skip
    return Terms(product, version, price, wanted, features, priced, tax, discount)


async def begin_purchase(
    tx: Tx,
    quote: Quote,
    customer: Customer,
    method: PaymentMethod | None,
    *,
    request_id: UUID | None = None,
    is_on_session: bool = False,
) -> Begun:
    """Write a purchase of a locked customer down and begin its payment; where nothing is due it is complete at once.

    `is_on_session`: the customer is there, and a checkout looks after it. Raises PaymentMethodRequired.
    """
    if quote.needs_method and method is None:
        raise PaymentMethodRequired
    seller = await tenants.get_seller(tx)
    new = rules.new_subscription(
        quote, customer.id, tx.now, seller.time_zone, is_on_session=is_on_session, request_id=request_id
    )
    if method is not None and not is_on_session:
        # A checkout's is written down once it has paid.
        new = replace(new, method_id=method.id)
    sale = Sale(
        buyer=life.billed(customer),
        product=quote.product,
        version=quote.version,
        currency=quote.currency,
        invoice=quote.invoice,
        billing_type=quote.billing_type,
        subscription_id=new.id,
        lineage_id=new.lineage_id,
        features=quote.features,
        method=method if quote.invoice.due_units else None,
        is_trial=quote.trial_days > 0,
        collection=Collection.ONCE if is_on_session else Collection.UNTIL_AUTHENTICATED,
        is_on_session=is_on_session,
        request_id=request_id,
    )
    order = await orders.write_order(tx, sale)
    await life.add(tx, new)
    opened = await orders.begin_payment(tx, order, sale)
    if quote.discount is not None:
        await discounts.redeem(
            tx, quote.discount.id, order_id=opened.order_id, customer_id=customer.id, currency=quote.currency,
            amount_units=quote.invoice.discount_units,
        )  # fmt: skip
    return Begun(new.id, opened.order_id, opened.attempt)
