"""What of a page's fields is missing, and what is chosen of what there is."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.checkout.offers.records import Choice, Held, Quantity
from kelviq_server.checkout.sessions.records import Details, Options, Selection
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.customers.records import Customer
from kelviq_server.subscriptions.purchases.records import Quote
from kelviq_server.taxes.records import STATED, Buyer

REQUIRED = "This field is required."


def held_of(customer: Customer | None, *, speaks_for_customer: bool) -> Held:
    """Return what of a customer's record a session leaves alone.

    Anybody can open a session with a client key or a link, in whoever's name: what the merchant knows of a customer is
    neither shown nor changed there, but for the e-mail address, with which the page is filled in, as is documented.
    """
    if customer is None or speaks_for_customer:
        # A customer whom the session itself made, when its first card failed, says for themselves who they are.
        return Held()
    return Held(customer.email is not None, customer.name is not None, customer.country is not None)


def details_of(customer: Customer, address: Mapping[str, str | None]) -> Details:
    """Return what a customer's record says."""
    return Details(
        email=customer.email,
        name=customer.name,
        country=address.get("country"),
        line1=address.get("line1"),
        line2=address.get("line2"),
        city=address.get("city"),
        state=address.get("state"),
        postal_code=address.get("postalCode"),
        tax_id=customer.tax_id,
    )


def missing(details: Details, held: Held) -> dict[str, list[str]]:
    """Return what has to be typed before anything can be bought, by field."""
    wanted: dict[str, str | None] = {}
    if not held.has_email:
        wanted["email"] = details.email
    if not held.has_name:
        wanted["name"] = details.name
    if not held.has_address:
        wanted["country"] = details.country
        if details.country in STATED:
            # Taxes depend on them.
            wanted |= {"state": details.state, "postalCode": details.postal_code}
    return {name: [REQUIRED] for name, value in wanted.items() if value is None}


def buyer_of(details: Details, customer: Customer | None, held: Held) -> Buyer:
    """Return what decides about the tax: where the buyer says they are, or what the customer's record says."""
    if customer is not None and held.has_address:
        return Buyer(customer.country, customer.state, customer.tax_id)
    return Buyer(details.country, details.state, details.tax_id)


def customer_changes(details: Details, held: Held) -> dict[str, str | None]:
    """Return what is written into a customer's record, by column; the address apart."""
    changes: dict[str, str | None] = {}
    if not held.has_email:
        changes["email"] = details.email
    if not held.has_name:
        changes["name"] = details.name
    if not held.has_address:
        changes["tax_id"] = details.tax_id
    return changes


def is_offered(version: PlanVersion, options: Options) -> bool:
    """Say whether a plan may be chosen in a session: of those that it names, if any; of an agreed amount, just one.

    What a page sends has no say in it: it would take any plan for the amount that was agreed on for another.
    """
    was_named = version.identifier == options.plan
    if options.plans and version.identifier not in options.plans:
        return False
    return was_named or (options.custom_amount is None and (version.is_visible or bool(options.plans)))


def selected(
    choices: Sequence[Choice],
    before: Selection,
    *,
    plan: str | None,
    period: str | None,
    quantities: Mapping[str, str],
) -> Selection:
    """Return what is chosen, as near to what is asked for as there is; what is not asked for stays as it was.

    There is at least one choice.
    """
    choice = _choice(choices, plan or before.plan) or _choice(choices, before.plan) or choices[0]
    asked = (period, before.period, *choice.costs)
    chosen = next(each for each in map(_period, asked) if each is not None and each in choice.costs)
    had = {feature.identifier: feature.quantity for feature in before.features} if choice.plan == before.plan else {}
    features = [
        BoughtFeature(name, _near(each, quantities.get(name), had.get(name)))
        for each in choice.quantities[chosen]
        for name in (each.feature.identifier,)
    ]
    return replace(before, plan=choice.plan, period=chosen, features=features)


def _choice(choices: Sequence[Choice], plan: str) -> Choice | None:
    return next((choice for choice in choices if choice.plan == plan), None)


def _period(text: str | None) -> ChargePeriod | None:
    return ChargePeriod(text) if text in ChargePeriod.__members__ else None


def _near(quantity: Quantity, typed: str | None, had: int | None) -> int:
    wanted = int(typed) if typed is not None and typed.isascii() and typed.isdigit() and len(typed) < 16 else had
    if wanted is None:
        wanted = quantity.charge.min_quantity or 1
    at_least = max(wanted, quantity.least)
    return at_least if quantity.most is None else min(at_least, quantity.most)


def agreed_of(quote: Quote) -> str:
    """Return what a buyer agrees to who pays: what is bought, what is charged now, what later, and when that begins.

    A page that said anything else pays for nothing: neither does it buy another plan, or fewer seats, for the same
    money, nor with a discount that ends sooner.
    """
    later = "" if quote.recurring is None else str(quote.recurring.total_units)
    charged = f"{quote.currency} {quote.invoice.due_units} {quote.period} {later} {quote.trial_days}"
    bought = ",".join(f"{feature.identifier}={feature.quantity}" for feature in quote.features)
    discount = "" if quote.discount is None else quote.discount.id
    return f"{charged} {quote.version.id} {bought} {discount}".strip()
