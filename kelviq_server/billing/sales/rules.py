"""What a plan costs for a period: its price, its parts by their quantities, and what was used of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from babel.numbers import get_territory_currencies

from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.billing.sales.errors import (
    AmountTooFine,
    AmountTooLarge,
    CustomAmountNotTaken,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    OtherCurrency,
    PeriodNotSold,
    PlanNotForCountry,
)
from kelviq_server.billing.sales.records import PricedItem, Wanted
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Charge, Component, PaymentType, Price, PriceType, TaxBehavior
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import has_decimals_beyond, round_half_away
from kelviq_server.core.pricing import BeyondLastTier, PriceModel, price_units
from kelviq_server.platform.wire import Path, refuse_faults

# What gateways take at a time; sums of lines and taxes then stay far within 64 bits.
MAX_UNITS = 10**15


def refuse_elsewhere(version: PlanVersion, country: str | None) -> None:
    """Raise PlanNotForCountry for a plan that may not be bought from there."""
    if not version.is_sold_in(country):
        raise PlanNotForCountry


def is_local(currency: str, country: str | None, today: date) -> bool:
    """Say whether people pay in a currency in a country; where nobody knows the country, they may."""
    return country is None or currency in get_territory_currencies(country, today)


def local_currency(version: PlanVersion, countries: Sequence[str | None], today: date) -> str | None:
    """Return the currency of a regional price that all that is known of where somebody is allows; None without one.

    The first country says which; whatever else is known, by an address or a card, has to be a place where people pay
    in that, too.
    """
    known = [country for country in countries if country is not None]
    sold = {price.currency for price in version.prices if price.enabled}
    local = get_territory_currencies(known[0], today) if known else []
    found = next((currency for currency in local if currency in sold), None)
    return found if found is not None and all(is_local(found, country, today) for country in known) else None


def price_for(version: PlanVersion, wanted: str | None, customers: str | None) -> Price:
    """Return the price in the wanted currency, else in the customer's, else the base price.

    `customers` is the currency in which the customer has paid before. Raises OtherCurrency, NoPriceInCurrency.
    """
    if wanted is not None and customers is not None and wanted != customers:
        raise OtherCurrency(f"The customer pays in {customers}.")
    currency = wanted or customers
    offered = [price for price in version.prices if price.enabled]
    found = next((price for price in offered if currency in (None, price.currency)), None)
    if found is None:
        raise NoPriceInCurrency(f"The plan has no price in {currency}." if currency else None or "")
    return found


def is_inclusive(price: Price, wanted: Wanted) -> bool:
    """Say whether the tax is in the price."""
    return (wanted.tax_behavior or price.tax_behavior) is TaxBehavior.INCLUSIVE


def priced_items(
    version: PlanVersion, price: Price, features: Mapping[UUID, Feature], wanted: Wanted, exponent: int
) -> list[PricedItem]:
    """Return what is charged in advance: for the plan itself, and for each feature that is bought by its quantity.

    `features` are those that the price names. Raises CustomAmountRequired, CustomAmountNotTaken, NoOneTimePrice,
    PeriodNotSold, AmountTooFine, AmountTooLarge, and InvalidFields for quantities that are not sold.
    """
    sold = _sold(price, wanted.period, PaymentType.ADVANCE_COMMITMENT)
    refuse_faults(_quantity_faults(sold, features, wanted))
    asked = {feature.identifier: feature.quantity for feature in wanted.features}
    is_agreed = wanted.replaces_price and wanted.custom_amount is not None and price.price_type is PriceType.PAID
    if price.price_type is PriceType.CUSTOM or is_agreed:
        items = [_item(version, component, charge, features, asked, exponent) for component, charge in sold]
        included = [replace(item, unit_price=None, amount_units=0) for item in items if item.feature is not None]
        return [_custom(version, wanted, exponent), *included]
    if wanted.custom_amount is not None:
        raise CustomAmountNotTaken
    if price.price_type is PriceType.FREE:
        # Nothing comes round of what costs nothing.
        if wanted.period is not ChargePeriod.ONE_TIME:
            raise PeriodNotSold("The plan is free: its charge period is ONE_TIME.")
        return [PricedItem(version.name, 1, None, 0)]
    if not sold and not _sold(price, wanted.period, PaymentType.PAY_AS_YOU_GO):
        raise NoOneTimePrice if wanted.period is ChargePeriod.ONE_TIME else PeriodNotSold
    items = [_item(version, component, charge, features, asked, exponent) for component, charge in sold]
    if sum(item.amount_units for item in items) > MAX_UNITS:
        raise AmountTooLarge
    return items


def bought(items: Sequence[PricedItem]) -> list[BoughtFeature]:
    """Return how many of each feature are bought by these."""
    return [BoughtFeature(item.feature, item.quantity) for item in items if item.feature is not None]


def kept_quantities(
    price: Price, period: ChargePeriod, features: Mapping[UUID, Feature], had: Sequence[BoughtFeature]
) -> list[BoughtFeature]:
    """Return those of the quantities somebody has that this price sells, too."""
    sold = {
        features[component.feature_id].identifier
        for component, _ in _sold(price, period, PaymentType.ADVANCE_COMMITMENT)
        if component.feature_id is not None
    }
    return [feature for feature in had if feature.identifier in sold]


def periods_of(price: Price) -> list[ChargePeriod]:
    """Return how often a plan can be charged at this price, the most often first; none of a price by agreement."""
    return [] if price.price_type is PriceType.CUSTOM else price.periods


def sold_quantities(
    price: Price, period: ChargePeriod, features: Mapping[UUID, Feature]
) -> list[tuple[Feature, Component, Charge]]:
    """Return what of a price is bought by its quantity, with what it costs. `features` are those that it names."""
    return [
        (features[component.feature_id], component, charge)
        for component, charge in _sold(price, period, PaymentType.ADVANCE_COMMITMENT)
        if component.feature_id is not None
    ]


def within_bounds(price: Price, features: Mapping[UUID, Feature], wanted: Wanted) -> Wanted:
    """Return what is wanted with each quantity as near as the price sells it: it was bought at another one."""
    bounds = {
        features[component.feature_id].identifier: charge
        for component, charge in _sold(price, wanted.period, PaymentType.ADVANCE_COMMITMENT)
        if component.feature_id is not None
    }

    def near(feature: BoughtFeature) -> BoughtFeature:
        charge = bounds[feature.identifier]
        at_least = max(feature.quantity, charge.min_quantity or 0)
        last = charge.tiers[-1].up_to if charge.tiers else None
        most = [bound for bound in (charge.max_quantity, last) if bound is not None]
        return BoughtFeature(feature.identifier, min([at_least, *most]))

    return replace(wanted, features=[near(feature) for feature in wanted.features])


def metered(price: Price, period: ChargePeriod) -> dict[UUID, tuple[Component, Charge]]:
    """Return what of a price is charged by what was used, by the feature's id."""
    return {
        component.feature_id: (component, charge)
        for component, charge in _sold(price, period, PaymentType.PAY_AS_YOU_GO)
        if component.feature_id is not None
    }


def used_item(
    version: PlanVersion, feature: Feature, component: Component, charge: Charge, quantity: int, exponent: int
) -> PricedItem:
    """Return what so much usage of a feature costs."""
    unit_price = charge.amount if component.model is PriceModel.FLAT else None
    units = min(price_units(component.rate(charge), quantity, exponent), MAX_UNITS)
    return PricedItem(f"{version.name}: {feature.name} (used)", quantity, unit_price, units)


def _sold(price: Price, period: ChargePeriod, payment_type: PaymentType) -> list[tuple[Component, Charge]]:
    return [
        (component, charge)
        for component in price.components
        if component.payment_type is payment_type and (charge := component.charge_every(period)) is not None
    ]


def _item(
    version: PlanVersion,
    component: Component,
    charge: Charge,
    features: Mapping[UUID, Feature],
    asked: Mapping[str, int],
    exponent: int,
) -> PricedItem:
    feature = None if component.feature_id is None else features[component.feature_id]
    if feature is None:
        what, quantity = version.name, 1
    else:
        what, quantity = f"{version.name}: {feature.name}", asked.get(feature.identifier, charge.min_quantity or 1)
    unit_price = charge.amount if component.model is PriceModel.FLAT else None
    units = price_units(component.rate(charge), quantity, exponent)
    return PricedItem(what, quantity, unit_price, units, feature.identifier if feature else None)


def _custom(version: PlanVersion, wanted: Wanted, exponent: int) -> PricedItem:
    if wanted.custom_amount is None:
        raise CustomAmountRequired
    if has_decimals_beyond(wanted.custom_amount, exponent):
        raise AmountTooFine
    units = round_half_away(wanted.custom_amount, exponent)
    if units > MAX_UNITS:
        raise AmountTooLarge
    return PricedItem(version.name, 1, wanted.custom_amount, units)


def _quantity_faults(
    sold: Sequence[tuple[Component, Charge]], features: Mapping[UUID, Feature], wanted: Wanted
) -> Iterator[tuple[Path, str]]:
    terms = {
        features[component.feature_id].identifier: (component, charge)
        for component, charge in sold
        if component.feature_id is not None
    }
    seen: set[str] = set()
    for place, feature in enumerate(wanted.features):
        path: Path = ("features", place, "identifier")
        if feature.identifier in seen:
            yield path, "This feature appears more than once."
        elif feature.identifier not in terms:
            yield path, "The plan does not sell this feature by its quantity."
        else:
            yield from _bound_faults(("features", place, "quantity"), *terms[feature.identifier], feature.quantity)
        seen.add(feature.identifier)


def _bound_faults(path: Path, component: Component, charge: Charge, quantity: int) -> Iterator[tuple[Path, str]]:
    if charge.min_quantity is not None and quantity < charge.min_quantity:
        yield path, f"Ensure this value is greater than or equal to {charge.min_quantity}."
    elif charge.max_quantity is not None and quantity > charge.max_quantity:
        yield path, f"Ensure this value is less than or equal to {charge.max_quantity}."
    else:
        try:
            price_units(component.rate(charge), quantity, 0)
        except BeyondLastTier:
            yield path, "Ensure this value is within the price's last tier."
