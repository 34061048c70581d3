"""What is charged for a plan that is bought once."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from kelviq_server.billing.charges.errors import (
    AmountTooFine,
    AmountTooLarge,
    CustomAmountNotTaken,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    OtherCurrency,
)
from kelviq_server.billing.charges.records import NewCharge, PricedItem
from kelviq_server.catalog.features.records import Feature
from kelviq_server.catalog.plans.records import PlanVersion
from kelviq_server.catalog.prices.records import Charge, Component, PaymentType, Price, PriceType, TaxBehavior
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import has_decimals_beyond, round_half_away
from kelviq_server.core.pricing import BeyondLastTier, PriceModel, price_units
from kelviq_server.platform.wire import Path, refuse_faults

# What gateways take at a time; sums of lines and taxes then stay far within 64 bits.
MAX_UNITS = 10**15


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


def is_inclusive(price: Price, new: NewCharge) -> bool:
    """Say whether the tax is in the price."""
    return (new.tax_behavior or price.tax_behavior) is TaxBehavior.INCLUSIVE


def priced_items(
    version: PlanVersion, price: Price, features: Mapping[UUID, Feature], new: NewCharge, exponent: int
) -> list[PricedItem]:
    """Return what is charged: for the plan itself, and for each feature that is bought by its quantity.

    `features` are those that the price names. Raises CustomAmountRequired, CustomAmountNotTaken, NoOneTimePrice,
    AmountTooFine, AmountTooLarge, and InvalidFields for quantities that are not sold.
    """
    sold = _sold(price)
    refuse_faults(_quantity_faults(sold, features, new))
    if price.price_type is PriceType.CUSTOM:
        return [_custom(version, new, exponent)]
    if new.custom_amount is not None:
        raise CustomAmountNotTaken
    if price.price_type is PriceType.FREE:
        return [PricedItem(version.name, 1, None, 0)]
    if not sold:
        raise NoOneTimePrice
    asked = {feature.identifier: feature.quantity for feature in new.features}
    items = [_item(version, component, charge, features, asked, exponent) for component, charge in sold]
    if sum(item.amount_units for item in items) > MAX_UNITS:
        raise AmountTooLarge
    return items


def _sold(price: Price) -> list[tuple[Component, Charge]]:
    return [
        (component, charge)
        for component in price.components
        if component.payment_type is PaymentType.ADVANCE_COMMITMENT
        and (charge := component.charge_every(ChargePeriod.ONE_TIME)) is not None
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


def _custom(version: PlanVersion, new: NewCharge, exponent: int) -> PricedItem:
    if new.custom_amount is None:
        raise CustomAmountRequired
    if has_decimals_beyond(new.custom_amount, exponent):
        raise AmountTooFine
    units = round_half_away(new.custom_amount, exponent)
    if units > MAX_UNITS:
        raise AmountTooLarge
    return PricedItem(version.name, 1, new.custom_amount, units)


def _quantity_faults(
    sold: Sequence[tuple[Component, Charge]], features: Mapping[UUID, Feature], new: NewCharge
) -> Iterator[tuple[Path, str]]:
    terms = {
        features[component.feature_id].identifier: (component, charge)
        for component, charge in sold
        if component.feature_id is not None
    }
    seen: set[str] = set()
    for place, bought in enumerate(new.features):
        path: Path = ("features", place, "identifier")
        if bought.identifier in seen:
            yield path, "This feature appears more than once."
        elif bought.identifier not in terms:
            yield path, "The plan does not sell this feature by its quantity."
        else:
            yield from _bound_faults(("features", place, "quantity"), *terms[bought.identifier], bought.quantity)
        seen.add(bought.identifier)


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
