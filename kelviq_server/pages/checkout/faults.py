"""What is wrong with a checkout, where its page says so."""

from collections.abc import Iterator, Mapping
from typing import Any

from kelviq_server.checkout.offers.records import Shown
from kelviq_server.pages.checkout import places

# Names no field: what is said about the page as a whole.
WHOLE = ""
_ADDRESS = ("country", "line1", "city", "postalCode")
_CARD = ("card_number", "card_expiry", "card_code")


def texts_of(errors: Mapping[str, Any]) -> dict[str, str]:
    """Return one text for each field; what is wrong with the whole, or with what is no text, as one."""
    found = {name: messages[0] for name, messages in errors.items() if messages and isinstance(messages[0], str)}
    whole = found.pop("nonFieldErrors", "" if len(found) == len(errors) else "This cannot be bought like this.")
    return found | ({WHOLE: whole} if whole else {})


def placed(shown: Shown, errors: Mapping[str, str]) -> dict[str, str]:
    """Return these errors and what is wrong with what is offered, each where the page has a field for it.

    All else is said about the whole: a fault that is marked nowhere would leave its buyer looking for it.
    """
    offered, fields = texts_of(shown.offering.faults), set(_fields(shown))
    found = {**offered, **errors}
    # What came of a payment first.
    whole = [errors.get(WHOLE, ""), offered.get(WHOLE, "")]
    whole += [_in_full(shown, name, text) for name, text in found.items() if name and name not in fields]
    said = " ".join(dict.fromkeys(filter(None, whole)))
    return {name: text for name, text in found.items() if name in fields} | ({WHOLE: said} if said else {})


def _fields(shown: Shown) -> Iterator[str]:
    held, quote, country = shown.held, shown.offering.quote, shown.offering.details.country
    if not shown.offering.choices:
        return
    yield "email"
    if not held.has_name:
        yield "name"
    if not held.has_address:
        yield from _ADDRESS
        if places.states_of(country):
            yield "state"
        if places.has_tax_ids(country):
            yield "taxId"
    if shown.session.options.takes_discounts:
        yield "discountCode"
    if shown.takes_cards and quote is not None and quote.needs_method:
        yield from _CARD


def _in_full(shown: Shown, name: str, text: str) -> str:
    code = shown.session.selection.discount_code
    return f"The code {code} takes nothing off. {text}" if name == "discountCode" and code else text
