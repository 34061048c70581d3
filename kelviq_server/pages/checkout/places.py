"""Countries and states as people choose them, and what their parts of an address are called."""

from functools import cache
from typing import cast

from babel import Locale

from kelviq_server.platform.wire import country_codes
from kelviq_server.taxes import steps as taxes

_POSTAL_CODES = {"US": "ZIP code", "IN": "PIN code", "IE": "Eircode"}
_STATES = {"US": "State", "CA": "Province"}


@cache
def countries() -> list[tuple[str, str]]:
    """Return the codes and names of all countries, by name."""
    names = cast("dict[str, str]", dict(Locale("en").territories))  # pyright: ignore[reportUnknownMemberType]
    return sorted(((code, names.get(code, code)) for code in country_codes()), key=lambda country: country[1])


def states_of(country: str | None) -> list[tuple[str, str]]:
    """Return the codes and names of a country's states, where the tax depends on them."""
    return list(taxes.states_of(country or "").items())


def state_label(country: str | None) -> str:
    """Return what a country calls its states."""
    return _STATES.get(country or "", "State")


def has_tax_ids(country: str | None) -> bool:
    """Say whether businesses there have a tax id to ask for."""
    return taxes.has_business_tax_ids(country)


def postal_code_label(country: str | None) -> str:
    """Return what a country calls its postal codes."""
    return _POSTAL_CODES.get(country or "", "Postal code")
