"""A checkout as its page shows it: every amount as the server reckons it, as people read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kelviq_server.billing.sales import steps as sales
from kelviq_server.checkout.offers.records import Choice, Shown
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.invoice import Invoice
from kelviq_server.pages.amounts import ShownLine, ShownTotal, shown_amount, shown_day
from kelviq_server.pages.checkout import places
from kelviq_server.pages.checkout.form import QUANTITY
from kelviq_server.pages.pictures import picture_of
from kelviq_server.subscriptions.purchases.records import Quote

_PERIODS = {
    ChargePeriod.ONE_TIME: ("One-time", "once"),
    ChargePeriod.DAILY: ("Daily", "day"),
    ChargePeriod.WEEKLY: ("Weekly", "week"),
    ChargePeriod.TWENTY_EIGHT_DAYS: ("Every 28 days", "28 days"),
    ChargePeriod.MONTHLY: ("Monthly", "month"),
    ChargePeriod.THREE_MONTHS: ("Every 3 months", "3 months"),
    ChargePeriod.SIX_MONTHS: ("Every 6 months", "6 months"),
    ChargePeriod.YEARLY: ("Yearly", "year"),
}


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """Something that can be chosen: a plan, or a period."""

    value: str
    name: str
    note: str
    price: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class ShownQuantity:
    """How many of a feature are bought."""

    name: str
    label: str
    value: int
    least: int
    most: int | None
    hint: str


def values_of(shown: Shown, typed: Mapping[str, str], errors: Mapping[str, str]) -> dict[str, Any]:
    """Return what the page is made from. What was typed is shown as it was, right or wrong, but for the card."""
    session, offering, seller = shown.session, shown.offering, shown.seller
    quote, selection, details = offering.quote, offering.selection, offering.details
    chosen = next((choice for choice in offering.choices if choice.plan == selection.plan), None)
    country = details.country
    return {
        "title": f"{shown.product.name} · {seller.legal_name}",
        "seller": seller.legal_name,
        "seller_email": seller.email,
        "product": shown.product,
        "picture": picture_of(shown.product),
        "plan_name": chosen.version.name if chosen else "",
        "plan_description": chosen.version.description if chosen else "",
        "plans": [_plan(choice, selection.plan, selection.period) for choice in offering.choices],
        "periods": [_period(chosen, period, selection.period) for period in chosen.costs] if chosen else [],
        "quantities": _quantities(shown, chosen),
        "fields": _fields(shown, typed),
        "errors": errors,
        "takes_discounts": session.options.takes_discounts,
        "discount": quote.discount.code if quote and quote.discount else None,
        "held": shown.held,
        "email_is_fixed": shown.held.has_email or session.options.locked_email is not None,
        "countries": places.countries(),
        "country": country,
        "states": places.states_of(country),
        "state_label": places.state_label(country),
        "postal_code_label": places.postal_code_label(country),
        "has_tax_ids": places.has_tax_ids(country),
        "turn": session.turn,
        "cancel_url": session.options.cancel_url,
        "takes_cards": shown.takes_cards,
        **(_unavailable() if quote is None else _amounts(shown, quote)),
    }


def _fields(shown: Shown, typed: Mapping[str, str]) -> dict[str, str]:
    details = shown.offering.details
    kept = {
        "email": details.email, "name": details.name, "country": details.country, "line1": details.line1,
        "line2": details.line2, "city": details.city, "state": details.state, "postalCode": details.postal_code,
        "taxId": details.tax_id,
        # One that does not hold any more, too.
        "discountCode": shown.session.selection.discount_code if "discountCode" in shown.offering.faults else None,
    }  # fmt: skip
    # A state goes with its country.
    return {name: typed.get(name) or value or "" for name, value in kept.items()} | {"state": details.state or ""}


def _plan(choice: Choice, chosen: str, period: ChargePeriod) -> ShownChoice:
    shown = period if period in choice.costs else next(iter(choice.costs))
    price = _price(choice.costs[shown], choice.price.currency, shown)
    return ShownChoice(choice.plan, choice.version.name, choice.version.description, price, choice.plan == chosen)


def _period(choice: Choice, period: ChargePeriod, chosen: ChargePeriod) -> ShownChoice:
    price = _price(choice.costs[period], choice.price.currency, period)
    return ShownChoice(period, _PERIODS[period][0], "", price, period is chosen)


def _price(units: int, currency: str, period: ChargePeriod) -> str:
    if period is ChargePeriod.ONE_TIME:
        return shown_amount(units, currency) if units else "Free"
    return f"{shown_amount(units, currency)} / {_PERIODS[period][1]}"


def _quantities(shown: Shown, chosen: Choice | None) -> Sequence[ShownQuantity]:
    selection = shown.offering.selection
    if chosen is None or shown.session.options.custom_amount is not None:
        # What an amount was agreed on for stands in the lines, and is not chosen.
        return []
    bought = {feature.identifier: feature.quantity for feature in selection.features}
    return [
        ShownQuantity(
            QUANTITY + quantity.feature.identifier,
            quantity.feature.name,
            bought[quantity.feature.identifier],
            quantity.least,
            quantity.most,
            _bounds(quantity.least, quantity.most),
        )
        for quantity in chosen.quantities[selection.period]
    ]


def _bounds(least: int, most: int | None) -> str:
    if most is None:
        return f"At least {least}." if least > 1 else ""
    return f"From {least} to {most}."


def _unavailable() -> dict[str, Any]:
    return {
        "price": "", "price_note": "", "lines": [], "totals": [], "later": [], "agreed": "", "needs_card": False,
        "button": None, "said": "", "consent": "",
    }  # fmt: skip


def _amounts(shown: Shown, quote: Quote) -> dict[str, Any]:
    currency = quote.currency
    due = shown_amount(quote.invoice.due_units, currency)
    # Of a trial: what it comes to when that is over.
    invoice = quote.recurring if quote.trial_days and quote.recurring is not None else quote.invoice
    later = _later(shown, quote)
    return {
        "price": due,
        "price_note": "due today" if not quote.trial_days else f"due today, free for {_days(quote.trial_days)}",
        "lines": [
            ShownLine(line.item.what, shown_amount(line.subtotal_units, currency), _counted(line.item.quantity))
            for line in invoice.lines
        ],
        "totals": _totals(quote, invoice, knows_place=shown.offering.details.country is not None),
        "later": later,
        "agreed": shown.offering.agreed,
        "needs_card": quote.needs_method,
        "button": _button(quote, due),
        "said": f"Due today: {due}. {' '.join(later)}",
        "consent": _consent(shown, quote),
    }


def _counted(quantity: int) -> str:
    return f"Quantity {quantity:,}" if quantity != 1 else ""


def _totals(quote: Quote, invoice: Invoice, *, knows_place: bool) -> list[ShownTotal]:
    currency = quote.currency
    totals: list[ShownTotal] = []
    if invoice.discount_units:
        code = quote.discount.code if quote.discount else ""
        totals.append(ShownTotal(f"Discount {code}", shown_amount(-invoice.discount_units, currency)))
    if invoice.total_units:
        totals.append(_tax(quote, invoice, knows_place=knows_place))
    if quote.trial_days:
        totals.append(ShownTotal("After the trial", shown_amount(invoice.total_units, currency)))
    if quote.invoice.credit_units:
        totals.append(ShownTotal("Your credit", shown_amount(-quote.invoice.credit_units, currency)))
    due = shown_amount(quote.invoice.due_units, currency)
    return [*totals, ShownTotal(f"Due today ({currency})", due, is_last=True)]


def _tax(quote: Quote, invoice: Invoice, *, knows_place: bool) -> ShownTotal:
    tax = quote.tax
    amount = shown_amount(invoice.tax_units, quote.currency)
    if not knows_place and not invoice.tax_units:
        return ShownTotal("Tax", "set by your country")
    name = tax.name or "Tax"
    if tax.is_reverse_charge:
        return ShownTotal(f"{name} (reverse charge: you account for it)", amount)
    rate = f" {tax.rate_percent.normalize():f} %" if tax.rate_percent else ""
    return ShownTotal(f"{name}{rate}{' (included)' if tax.is_inclusive else ''}", amount)


def _later(shown: Shown, quote: Quote) -> list[str]:
    """Return what is charged later, and when."""
    period = quote.invoice.lines[0].item.period if quote.invoice.lines else None
    if quote.recurring is None or period is None:
        return []
    amount, every = shown_amount(quote.recurring.total_units, quote.currency), _PERIODS[quote.period][1]
    usage = ", plus what you use" if sales.metered(quote.price, quote.period) else ""
    if quote.trial_days:
        said = [f"Free until {shown_day(period.end)}. Then {amount} every {every}{usage}, until you cancel."]
    else:
        said = [f"Renews on {shown_day(period.end)}: {amount} every {every}{usage}, until you cancel."]
    cycles = None if quote.discount is None else quote.discount.discount.cycles
    if quote.discount is not None and cycles is not None and cycles > 1:
        said.append(f"The discount holds for the first {cycles} payments.")
    return said


def _button(quote: Quote, due: str) -> str:
    if not quote.needs_method:
        return "Complete order"
    if quote.trial_days:
        return "Start free trial"
    return f"Pay {due}" if quote.is_one_time else f"Subscribe and pay {due}"


def _consent(shown: Shown, quote: Quote) -> str:
    if quote.recurring is None:
        return ""
    return f"You allow {shown.seller.legal_name} to charge this card for the payments to come, until you cancel."


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
