"""Which rate fits where, what a tax id is, and what a buyer's place is called."""

import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cache

import pycountry
from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError
from stdnum.util import clean, get_cc_module

from kelviq_server.taxes.errors import RateInThePast, RateIsPackaged, TooManyRates
from kelviq_server.taxes.records import STATED, Place, Removal, TaxId, TaxRate

# Of a tenant's own, with those that are over.
MAX_RATES = 5000
# Outside of the EU: where businesses have a tax id that a consumer has not, and settle the tax of foreign sellers.
_BUSINESS_COUNTRIES = (
    "AU", "CA", "CH", "GB", "IN", "IS", "JP", "KR", "MC", "ME", "MK", "NO", "NZ", "RS", "SG", "TR", "TW",
)  # fmt: skip
# How the EU's tax ids begin, other than with the code of the country.
_EU_CODES = {"GR": "EL"}
_EU_COUNTRIES = {
    _EU_CODES.get(state.upper(), state.upper()): state.upper() for state in eu_vat.MEMBER_STATES if state != "xi"
}
_NORTHERN_IRELAND = "XI"
# What makes a company's number one of the tax, and is often left away.
_ENDINGS = {"CH": "MWST", "NO": "MVA"}


def state_code(country: str, text: str | None) -> str | None:
    """Return the code of a state of the US or of Canada, by its name or its code; None for anything else."""
    if country not in STATED or not text:
        return None
    return _states()[country].get(_folded(text).removeprefix(f"{country.casefold()}-"))


def states_of(country: str) -> dict[str, str]:
    """Return the states of the US or of Canada by their code, in the order of their names; none of others."""
    found = pycountry.subdivisions if country in STATED else ()  # pyright: ignore
    names = {str(state.code)[3:]: str(state.name) for state in found if state.country_code == country}  # pyright: ignore
    return dict(sorted(names.items(), key=lambda state: state[1]))


@cache
def _states() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {country: {} for country in STATED}
    for state in pycountry.subdivisions:  # pyright: ignore
        country, code, name = str(state.country_code), str(state.code)[3:], str(state.name)  # pyright: ignore
        if country in STATED:
            found[country] |= {code.casefold(): code, _folded(name): code}
    return found


def _folded(text: str) -> str:
    """Return a name without differences of case, accents and spaces."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return " ".join(plain.casefold().split())


def business_tax_id(text: str, country: str | None) -> TaxId | None:
    """Return a business's tax id as its country writes it, or None where it is none of that country's.

    Told by form and check digits alone: whether anybody has that number, only the tax office knows. An id of the EU
    says itself which country it is of, so it needs no address.
    """
    number = clean(text, " -./").upper()
    if not (number.isascii() and number.isalnum()):
        return None
    if country is None:
        country = "GB" if number.startswith(_NORTHERN_IRELAND) else _EU_COUNTRIES.get(number[:2])
        if country is None:
            return None
    prefix = _EU_CODES.get(country, country)
    try:
        if prefix in _EU_COUNTRIES:
            return TaxId(country, eu_vat.validate(prefix + number.removeprefix(prefix).removeprefix(country)))
        if country == "GB" and number.startswith(_NORTHERN_IRELAND):
            return TaxId(country, eu_vat.validate(number))
        if country == "JP":
            # As invoices there write it.
            number = number.removeprefix("T")
        if number[-1:].isdigit():
            number += _ENDINGS.get(country, "")
        module = get_cc_module(country.lower(), "vat") if country in _BUSINESS_COUNTRIES else None
        return None if module is None else TaxId(country, ("GB" if country == "GB" else "") + module.validate(number))
    except ValidationError:
        return None


def has_business_tax_ids(country: str | None) -> bool:
    """Say whether businesses of a country have a tax id that is known here; where nobody says which, they may."""
    return country is None or country in _EU_COUNTRIES.values() or country in _BUSINESS_COUNTRIES


def is_reverse_charge(tax_id: TaxId, seller_country: str | None) -> bool:
    """Say whether a business pays the tax itself: where it is of another country than the seller.

    As long as the seller has not said where it is, no country is known to be another.
    """
    return seller_country is not None and seller_country != tax_id.country


def refuse_one_more(count: int) -> None:
    """Raise TooManyRates where there are so many already."""
    if count >= MAX_RATES:
        raise TooManyRates


def place(valid_from: date, today: date, others: Sequence[TaxRate]) -> Place:
    """Return how a new rate fits in among those of its kind; raises RateInThePast."""
    if valid_from < today:
        raise RateInThePast
    later = [rate.valid_from for rate in others if rate.valid_from > valid_from]
    return Place(min(later, default=None), next((rate for rate in others if rate.holds(valid_from)), None))


def removal(rate: TaxRate, today: date, others: Sequence[TaxRate]) -> Removal:
    """Return what giving a rate up comes to; raises RateIsPackaged.

    One in force ends today. One that is yet to come leaves no trace: the one that it would have ended goes on.
    One that is over is history.
    """
    if rate.source is not None:
        raise RateIsPackaged
    if rate.valid_from > today:
        before = next((other for other in others if other.valid_until == rate.valid_from), None)
        return Removal(deletes=True, ends=before, valid_until=rate.valid_until)
    return Removal(deletes=False, ends=rate if rate.holds(today) else None, valid_until=today)
