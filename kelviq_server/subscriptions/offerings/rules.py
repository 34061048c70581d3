"""Which plans somebody sees, and at which prices: pure."""

from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from babel.core import Locale as Spelling
from babel.core import UnknownLocaleError
from babel.languages import get_official_languages
from babel.numbers import get_territory_currencies

from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import converted
from kelviq_server.platform.values import currency_exponents
from kelviq_server.subscriptions.offerings.records import Found, Locale, OfferedPlan, Offering


@lru_cache(maxsize=512)
def locale_of(country: str | None, today: date) -> Locale:
    """Return how prices are spelled in a country, in English where that is official there, and what people pay in."""
    if country is None:
        return Locale(None, "en-US", ())
    currencies = [code for code in get_territory_currencies(country, today) if code in currency_exponents()]
    language = "en" if "en" in get_official_languages(country) else None
    try:
        # Who lives there mostly speaks what these letters stand for.
        language = language or Spelling.parse(f"und_{country}").language
    except (UnknownLocaleError, ValueError):
        language = "en"
    return Locale(country, f"{language}-{country}", tuple(currencies))


def offering_of(found: Found, locale: Locale, named: Collection[str]) -> Offering:
    """Return what somebody sees; only the plans that are named, or without names those that pages show.

    The price in the currency in which they have paid before, else in which people pay there, where a plan has one, else
    its base price with the rate at which that would be shown. A plan that is not sold in a country is not shown there.
    """
    plans = [version for version in found.plans if _is_shown(version, locale.country, named)]
    currency = found.paid_in or _currency(found, plans, locale)
    rates = found.rates
    is_known = currency in rates and found.currency in rates
    rate = converted(Decimal(1), rates[found.currency], rates[currency]) if is_known else Decimal(1)
    offered = [each for each in (_offered(version, currency) for version in plans) if each is not None]
    if not is_known and any(each.price.currency != currency for each in offered):
        # What has no price in it cannot be shown in it, either.
        currency = found.currency
    return Offering(
        found=found,
        locale=locale,
        currency=currency,
        rate=rate,
        plans=offered,
        periods=_periods(offered),
        features={feature.id: feature for feature in found.features},
    )


def _is_shown(version: PlanVersion, country: str | None, named: Collection[str]) -> bool:
    if not version.is_sold_in(country):
        return False
    return version.identifier in named if named else version.is_visible


def _currency(found: Found, plans: Sequence[PlanVersion], locale: Locale) -> str:
    """Return what somebody sees: a currency of theirs in which something is sold, else one that has a rate."""
    sold = {price.currency for version in plans for price in version.prices if price.enabled}
    regional = next((currency for currency in locale.currencies if currency in sold), None)
    shown = next((currency for currency in locale.currencies if currency in found.rates), None)
    return regional or shown or found.currency


def _offered(version: PlanVersion, currency: str) -> OfferedPlan | None:
    prices = [price for price in version.prices if price.enabled]
    if not prices:
        return None
    regional = next((price for price in prices if price.currency == currency), prices[0])
    return OfferedPlan(version, regional, prices[0])


def _periods(plans: Sequence[OfferedPlan]) -> list[ChargePeriod]:
    sold = {period for each in plans for period in each.price.periods}
    return [period for period in ChargePeriod if period in sold]
