"""What other parts, and pages, borrow of sessions: opening one, and whose it is."""

import re
from collections.abc import Sequence
from dataclasses import replace

from kelviq_server.billing.orders import steps as orders
from kelviq_server.billing.sales import steps as sales
from kelviq_server.billing.sales.errors import PlanNotForSale
from kelviq_server.catalog.plans import steps as plans
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Price, PriceType
from kelviq_server.checkout.offers import rules as offer_rules
from kelviq_server.checkout.offers import steps as offers
from kelviq_server.checkout.sessions import rules, store
from kelviq_server.checkout.sessions.errors import NothingForSale, OtherProduct, PlanNotEnabled
from kelviq_server.checkout.sessions.records import (
    Details,
    NewSession,
    OpenSession,
    Options,
    Pricing,
    Selection,
    Session,
)
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.customers import steps as customers
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.customers.records import Customer
from kelviq_server.payments.errors import NoGatewayConfigured
from kelviq_server.platform.database import Tenant, Tx
from kelviq_server.platform.ids import random_text
from kelviq_server.platform.values import currency_exponents
from kelviq_server.subscriptions.purchases.errors import NoTrialWithoutRenewal
from kelviq_server.subscriptions.purchases.records import Quote
from kelviq_server.tenants import steps as tenants

_ID = re.compile(r"cs_[0-9A-Za-z]{45}")
_ID_CHARACTERS = 45


async def find_session_tenant(tx: Tx, id: str) -> Tenant | None:
    """Return whose session this is, or None where there is none, on behalf of the instance: who has the id may buy."""
    tenant_id = await store.find_tenant_id(tx, id) if _ID.fullmatch(id) else None
    return None if tenant_id is None else await tenants.get_tenant(tx, tenant_id)


async def open_session(tx: Tx, wanted: OpenSession) -> Session:
    """Write a session and return it.

    Raises what stops a sale, what discounts refuse, PlanNotEnabled, OtherProduct, NothingForSale,
    NoTrialWithoutRenewal, CustomerUnknown for an archived customer, NoGatewayConfigured.
    """
    customer = await _customer(tx, wanted.customer)
    version = await _version(tx, wanted)
    await _refuse_others(tx, wanted.plans, version)
    known = None if customer is None else await orders.find_currency(tx, customer.id)
    pricing = await offers.pricing_for(tx, version, wanted, known, customer)
    options = _options(wanted, version, pricing, customer)
    if wanted.is_trusted and customer is not None:
        sales.refuse_elsewhere(version, customer.country)
    selection, quote = await _select(tx, wanted, version, options, customer)
    if quote.needs_method and not await tenants.has_gateway(tx):
        raise NoGatewayConfigured
    choices = await offers.choices_of(tx, version.product_id, options, selection)
    new = NewSession(
        id=f"cs_{random_text(_ID_CHARACTERS)}",
        product_id=quote.product.id,
        external_id=wanted.customer or f"cus_{random_text(24)}",
        customer_id=None if customer is None else customer.id,
        options=replace(options, tax_behavior=options.tax_behavior or quote.price.tax_behavior),
        selection=selection,
        details=_details(customer, options),
        offering=rules.offering_of(choices, quote.product.name, currency_exponents()[quote.currency]),
        metadata=wanted.metadata,
        product_name=quote.product.name,
        expires_at=tx.now + rules.LIFETIME,
    )
    session = await store.insert_session(tx, new)
    await store.insert_event(tx, session.id, rules.created(quote.product.name))
    return session


async def _customer(tx: Tx, external_id: str | None) -> Customer | None:
    if external_id is None:
        return None
    customer = await customers.find_customer(tx, external_id)
    if customer is None and await customers.find_customer_id(tx, external_id) is not None:
        # Archived: there is nobody of this name, and will not be.
        raise CustomerUnknown
    return customer


async def _version(tx: Tx, wanted: OpenSession) -> PlanVersion:
    """Return the plan that is chosen at first: the one that was named, else the first of those that may be chosen."""
    if wanted.plan is not None:
        version = await plans.find_for_sale(tx, wanted.plan)
        if version is None or (wanted.product_id is not None and version.product_id != wanted.product_id):
            raise PlanNotForSale
        if wanted.plans and wanted.plan not in wanted.plans:
            raise PlanNotEnabled
        return version
    assert wanted.product_id is not None
    for version in await plans.list_for_sale(tx, wanted.product_id):
        is_offered = version.identifier in wanted.plans if wanted.plans else version.is_visible
        if is_offered and any(_can_be_bought(price) for price in version.prices):
            return version
    raise NothingForSale


def _can_be_bought(price: Price) -> bool:
    return price.enabled and price.price_type is not PriceType.CUSTOM


async def _refuse_others(tx: Tx, identifiers: Sequence[str], version: PlanVersion) -> None:
    """Raise OtherProduct for plans that cannot be offered beside this one."""
    for identifier in identifiers:
        other = version if identifier == version.identifier else await plans.find_for_sale(tx, identifier)
        if other is None:
            raise OtherProduct(f'There is no plan "{identifier}" for sale.')
        if other.product_id != version.product_id:
            raise OtherProduct


def _options(wanted: OpenSession, version: PlanVersion, pricing: Pricing, customer: Customer | None) -> Options:
    return Options(
        currency=pricing.currency,
        is_agreed=pricing.is_agreed,
        is_trusted=wanted.is_trusted,
        plan=version.identifier,
        plans=list(wanted.plans),
        custom_amount=wanted.custom_amount,
        tax_behavior=wanted.tax_behavior,
        trial_days=wanted.trial_days,
        takes_discounts=wanted.takes_discounts,
        locks_email=wanted.locks_email,
        locked_email=customer.email if customer is not None and wanted.locks_email else None,
        default_country=wanted.default_country,
        success_url=wanted.success_url,
        cancel_url=wanted.cancel_url,
        ip_address=wanted.ip_address,
        referer=wanted.referer,
    )


async def _select(
    tx: Tx, wanted: OpenSession, version: PlanVersion, options: Options, customer: Customer | None
) -> tuple[Selection, Quote]:
    """Return what is chosen at first, and what it comes to; raises whatever stops somebody from buying just that."""
    period = wanted.period
    if period is None:
        # Of a link that names none: the first that there is.
        [choice] = await offers.choices_of(
            tx, version.product_id, replace(options, plans=[version.identifier]), None
        ) or [None]
        if choice is None:
            raise NothingForSale
        period = next(iter(choice.costs))
    if sales.price_for(version, options.currency, None).price_type is PriceType.FREE:
        # Of links to a free plan beside others, which name the period of those.
        period = ChargePeriod.ONE_TIME
    if period is ChargePeriod.ONE_TIME and options.trial_days is not None:
        # On the page, what is bought once may be chosen beside what has the trial.
        raise NoTrialWithoutRenewal
    selection = Selection(version.identifier, period, list(wanted.features), wanted.discount_code)
    held = offer_rules.held_of(customer, speaks_for_customer=options.is_trusted)
    details = _details(customer, options)
    buyer = offer_rules.buyer_of(details, customer, held)
    quote = await offers.quote_of(tx, options, selection, buyer, customer)
    code = None if quote.discount is None else quote.discount.code
    return replace(selection, features=list(quote.features), discount_code=code), quote


def _details(customer: Customer | None, options: Options) -> Details:
    """Return what the page is filled in with; what a merchant knows of a customer is for their own server alone."""
    if customer is None:
        return Details(country=options.default_country)
    known = offer_rules.details_of(customer, offers.address_of(customer))
    if not options.is_trusted:
        return Details(email=known.email, country=options.default_country)
    return known if known.country is not None else replace(known, country=options.default_country)
