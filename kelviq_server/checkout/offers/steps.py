"""What can be bought in a session, by whom, and what that comes to; how what is typed into a page is read."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from uuid import UUID

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.errors import OtherCurrency
from kelviq_server.billing.sales.records import Wanted
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price, PriceType
from kelviq_server.catalog.products import steps as products
from kelviq_server.checkout.offers import rules
from kelviq_server.checkout.offers.errors import PlanNotSoldThere
from kelviq_server.checkout.offers.records import Choice, Held, Offering, Quantity, Read, Shown, Typed
from kelviq_server.checkout.offers.schemas import TypedDetails
from kelviq_server.checkout.sessions import rules as session_rules
from kelviq_server.checkout.sessions import store
from kelviq_server.checkout.sessions.errors import NothingForSale
from kelviq_server.checkout.sessions.records import Details, OpenSession, Options, Pricing, Selection, Session
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.errors import Refusal
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.payments import steps as payments
from kelviq_server.platform.database import Tx
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import InvalidFields, read_body
from kelviq_server.promotions.discounts.errors import DiscountInOtherCurrency, DiscountNotForCountry
from kelviq_server.subscriptions.purchases import steps as purchases
from kelviq_server.subscriptions.purchases.records import Offer, Quote
from kelviq_server.taxes import steps as taxes
from kelviq_server.taxes.records import STATED, Buyer
from kelviq_server.tenants import steps as tenants
from kelviq_server.visitors.steps import visitor_at

_NAMES = {to.alias or name for name, to in TypedDetails.model_fields.items()}


async def choices_of(
    tx: Tx, product_id: UUID, options: Options, selection: Selection | None, country: str | None = None
) -> list[Choice]:
    """Return what somebody there can choose, in the merchant's order; where an amount was agreed on, that alone.

    All in one currency: that in which the plan that is chosen is priced for them.
    """
    found = [version for version in await plans.list_for_sale(tx, product_id) if rules.is_offered(version, options)]
    chosen = None if selection is None else selection.plan
    priced = {version.identifier: _currency_of(options, version, country, tx.now.date()) for version in found}
    options = replace(options, currency=priced.get(chosen or "", options.currency))
    choices = [
        await _choice(tx, version, options, selection)
        for version in found
        if priced[version.identifier] == options.currency
        and (version.identifier == chosen or version.is_sold_in(country))
    ]
    return [choice for choice in choices if choice is not None]


def _currency_of(options: Options, version: PlanVersion, country: str | None, today: date) -> str:
    """Return what a plan is priced in for somebody there: the base price unless they pay in the session's."""
    if options.is_agreed or sales.is_local(options.currency, country, today):
        return options.currency
    return version.base_currency or options.currency


async def _choice(tx: Tx, version: PlanVersion, options: Options, selection: Selection | None) -> Choice | None:
    offered = (price for price in version.prices if price.enabled and price.currency == options.currency)
    price = next(offered, None)
    if price is None or (price.price_type is PriceType.CUSTOM and options.custom_amount is None):
        return None
    features = await plans.priced_features(tx, price)
    costs: dict[ChargePeriod, int] = {}
    quantities: dict[ChargePeriod, Sequence[Quantity]] = {}
    for period in _periods(price, options, selection):
        wanted = Wanted(period, (), options.custom_amount, True, options.tax_behavior)
        try:
            items = sales.priced_items(version, price, features, wanted, currency_exponents()[price.currency])
        except Refusal:
            continue
        costs[period] = sum(item.amount_units for item in items)
        quantities[period] = [Quantity(*each) for each in sales.sold_quantities(price, period, features)]
    return Choice(version, price, costs, quantities) if costs else None


def _periods(price: Price, options: Options, selection: Selection | None) -> Sequence[ChargePeriod]:
    if options.custom_amount is None or selection is None:
        return sales.periods_of(price)
    return [selection.period]


async def quote_of(
    tx: Tx,
    options: Options,
    selection: Selection,
    buyer: Buyer,
    customer: Customer | None,
    *,
    is_binding: bool = False,
) -> Quote:
    """Return what a selection comes to; raises what stops a sale.

    `is_binding`: whether it is paid in this transaction; its discount is then locked.
    A customer's credit is used only where the merchant's server opened the session: anybody can open one with a link.
    """
    known = None if customer is None else await orders.find_currency(tx, customer.id)
    if known is not None and known != options.currency:
        raise OtherCurrency(f"The customer pays in {known}.")
    has_own_trial = selection.period is ChargePeriod.ONE_TIME or selection.plan != options.plan
    offer = Offer(
        plan=selection.plan,
        period=selection.period,
        features=selection.features,
        currency=options.currency,
        custom_amount=options.custom_amount,
        tax_behavior=None if options.custom_amount is None else options.tax_behavior,
        discount_code=selection.discount_code,
        trial_days=None if has_own_trial else options.trial_days,
        address=options.ip_address,
    )
    with_credit = customer.id if customer and options.is_trusted else None
    return await purchases.quote(tx, offer, buyer, with_credit, is_binding=is_binding)


async def offering_of(
    tx: Tx, session: Session, customer: Customer | None, typed: Typed | None, *, is_binding: bool = False
) -> Offering:
    """Return what can be chosen in a session that can be paid, what is, with what was typed, and what that comes to.

    `is_binding`: whether it is paid in this transaction; its discount is then locked.
    """
    held = rules.held_of(customer, speaks_for_customer=session.speaks_for_customer)
    read = _read(typed or Typed(), session, held)
    buyer = rules.buyer_of(read.details, customer, held)
    # An earlier version did not note which plan a session was opened with.
    options = replace(session.options, plan=session.options.plan or session.selection.plan)
    asked = session.selection
    if typed is not None and typed.plan:
        asked = replace(asked, plan=typed.plan)
    choices = await choices_of(tx, session.product_id, options, asked, buyer.country)
    # What was typed may be none of the plans.
    choices = choices or await choices_of(tx, session.product_id, options, session.selection, buyer.country)
    if not choices:
        faults = {"nonFieldErrors": [NothingForSale().text]}
        return Offering((), session.selection, read.details, None, faults)
    selection = session.selection if typed is None else replace(session.selection, discount_code=read.discount_code)
    selection = rules.selected(
        choices,
        selection,
        plan=typed.plan if typed else None,
        period=typed.period if typed else None,
        quantities=typed.quantities if typed and options.custom_amount is None else {},
    )
    faults = dict(read.faults)
    chosen = next(choice for choice in choices if choice.plan == selection.plan)
    if not chosen.version.is_sold_in(buyer.country):
        faults["country"] = [PlanNotSoldThere().text]
    options = replace(options, currency=chosen.price.currency)
    quote, selection = await _quote(tx, options, selection, buyer, customer, faults, is_binding=is_binding)
    return Offering(choices, selection, read.details, quote, faults, rules.agreed_of(quote) if quote else "")


async def _quote(
    tx: Tx,
    options: Options,
    selection: Selection,
    buyer: Buyer,
    customer: Customer | None,
    faults: dict[str, Sequence[str]],
    *,
    is_binding: bool,
) -> tuple[Quote | None, Selection]:
    """Return what a selection comes to; without its discount where that does not hold, which is noted.

    A code that would hold for somebody elsewhere stays: its buyer may have said wrongly where they are.
    """
    try:
        quote = await quote_of(tx, options, selection, buyer, customer, is_binding=is_binding)
        # As the merchant spells it.
        return quote, replace(selection, discount_code=None if quote.discount is None else quote.discount.code)
    except Refusal as refusal:
        if refusal.field != "discountCode":
            faults["nonFieldErrors"] = [refusal.text]
            return None, selection
        faults["discountCode"] = [refusal.text]
        stays = isinstance(refusal, (DiscountNotForCountry, DiscountInOtherCurrency))
    without = replace(selection, discount_code=None)
    quote, _ = await _quote(tx, options, without, buyer, customer, faults, is_binding=is_binding)
    return quote, selection if stays else without


def _read(typed: Typed, session: Session, held: Held) -> Read:
    """Return what was typed as it is understood: what was not sent stays as it was, what is wrong is as if missing."""
    sent = {name: value.strip() or None for name, value in typed.fields.items() if name in _NAMES}
    faults: dict[str, Sequence[str]] = {}
    try:
        body = read_body(TypedDetails, sent)
    except InvalidFields as wrong:
        faults |= wrong.errors
        body = read_body(TypedDetails, {name: value for name, value in sent.items() if name not in faults})
    values = asdict(session.details) | body.model_dump(exclude={"discount_code"}, exclude_unset=True)
    values |= {_column(name): None for name in faults if name != "discountCode"}
    if (email := session.options.locked_email) is not None or held.has_email:
        values["email"] = email or session.details.email
        faults.pop("email", None)
    details = Details(**values)
    if details.state is not None and taxes.state_code(details.country or "", details.state) is None:
        if details.country != session.details.country:
            # One of the country before.
            details = replace(details, state=None)
        elif details.country in STATED:
            faults["state"] = ["Select a state."]
    if details.tax_id is not None:
        try:
            details = replace(details, tax_id=taxes.checked_tax_id(details.tax_id, details.country))
        except InvalidFields as wrong:
            details = replace(details, tax_id=None)
            # One of another country goes with it; of countries that have none the page does not even ask.
            if "taxId" in sent and taxes.has_business_tax_ids(details.country):
                faults |= wrong.errors
    code = session.selection.discount_code
    if session.options.takes_discounts and "discountCode" in sent:
        code = body.discount_code
    return Read(details, code, faults)


def _column(name: str) -> str:
    return next(column for column, field in TypedDetails.model_fields.items() if (field.alias or column) == name)


async def shown_of(tx: Tx, session: Session, typed: Typed | None = None) -> Shown:
    """Return a session that can be paid as its page shows it."""
    customer = await customers.find_customer(tx, session.external_id)
    bought = await products.list_by_id(tx, {session.product_id})
    return Shown(
        session=session,
        seller=await tenants.get_seller(tx),
        product=bought[session.product_id],
        offering=await offering_of(tx, session, customer, typed),
        held=rules.held_of(customer, speaks_for_customer=session.speaks_for_customer),
        takes_cards=payments.takes_cards(await tenants.find_gateway(tx)),
        now=tx.now,
    )


async def keep(tx: Tx, session: Session, offering: Offering, held: Held, product_name: str) -> None:
    """Note in a locked session what is chosen, and who buys; on its timeline, once that is complete."""
    if (offering.selection, offering.details) != (session.selection, session.details):
        await store.update_choice(tx, session, offering.selection, offering.details, product_name)
    if rules.missing(session.details, held) and not rules.missing(offering.details, held):
        await store.insert_event(tx, session.id, session_rules.details_provided(offering.details))


async def pricing_for(
    tx: Tx, version: PlanVersion, wanted: OpenSession, known: str | None, customer: Customer | None
) -> Pricing:
    """Return what a session is priced in: what was asked for, else the customer's currency, else that of a place.

    A currency that anybody may have asked for, or that follows from where somebody seems to be, holds only as long as
    nothing says that they are elsewhere; a code for an amount off the base price brings that.
    Raises OtherCurrency, NoPriceInCurrency.
    """
    address, today = visitor_at(wanted.ip_address).country, tx.now.date()
    country = wanted.default_country or (None if customer is None else customer.country)
    asked = wanted.currency
    if asked is None and known is None and not await sales.is_for_base(tx, version, wanted.discount_code):
        asked = sales.local_currency(version, (country or address, address), today)
    currency = sales.price_for(version, asked, known).currency
    if known is not None or (wanted.is_trusted and wanted.currency is not None):
        return Pricing(currency, is_agreed=True)
    is_there = sales.is_local(currency, address, today)
    return Pricing(currency if is_there else version.base_currency or currency, is_agreed=False)


def address_of(customer: Customer) -> Mapping[str, str | None]:
    """Return the address of a customer's record."""
    return customers.summary_of(customer).billing_address or {}
