"""What a plan's prices may be: every rule that the product's documentation states."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from uuid import UUID

from kelviq_server.catalog.features.records import Feature, FeatureType
from kelviq_server.catalog.prices.records import (
    Charge,
    Component,
    MeterTerms,
    NewPrice,
    PaymentType,
    Price,
    PriceType,
    Rollover,
    ThresholdType,
    UsageAlerts,
)
from kelviq_server.core.calendar import ChargePeriod, Reset, ResetTime
from kelviq_server.core.money import has_decimals_beyond
from kelviq_server.core.pricing import PriceModel, Tier

# Where something is wrong, as the wire spells it, and what.
Path = tuple[str | int, ...]
Fault = tuple[Path, str]

BY_AMOUNT = (PriceModel.FLAT, PriceModel.PACKAGE)
_REQUIRED = "This field is required."
_COMPONENTS = "chargeCatalogPrice"


def settled(prices: Sequence[NewPrice], default_currency: str) -> list[NewPrice]:
    """Return the prices as they are kept: each in a currency, the base price first, its terms in all of them.

    What is paid afterwards is metered by month.
    """
    known = [replace(price, currency=price.currency or default_currency) for price in prices]
    base = known.pop(_base(known, default_currency)) if known else None
    known = [base, *known] if base else known
    terms = {component.feature_id: _terms_of(component) for price in known[:1] for component in price.components}
    return [
        replace(
            price,
            components=tuple(
                replace(component, terms=terms.get(component.feature_id) or _terms_of(component))
                for component in price.components
            ),
        )
        for price in known
    ]


def _base(prices: Sequence[NewPrice], default_currency: str) -> int:
    """Return the place of the base price.

    Of those with charges, else of all, it is the one in the product's currency, else the first.
    """
    charged = [place for place, price in enumerate(prices) if price.components] or list(range(len(prices)))
    return min(charged, key=lambda place: (prices[place].currency or default_currency) != default_currency)


def _terms_of(component: Component) -> MeterTerms:
    if _pays_later(component):
        return replace(component.terms, reset=Reset.EVERY_MONTH, reset_time=None)
    return component.terms


def are_the_same(had: Sequence[Price], prices: Sequence[NewPrice]) -> bool:
    """Say whether these are the prices that a plan has already."""
    return [_said(price) for price in had] == [_said(price) for price in prices]


def _said(price: NewPrice) -> tuple[object, ...]:
    return tuple(getattr(price, name) for name in NewPrice.__dataclass_fields__)


def faults(
    prices: Sequence[NewPrice],
    default_currency: str,
    features: Mapping[UUID, Feature],
    exponents: Mapping[str, int],
    had: Collection[UUID] = (),
) -> Iterator[Fault]:
    """Yield what keeps these from being a plan's prices; paths begin with `prices`.

    `features` are those that the prices name, as far as they exist; `had` those that the plan priced before.
    """
    currencies = [price.currency or default_currency for price in prices]
    for place in _repeated(currencies):
        yield ("prices", place, "currency"), f"There is already a price in {currencies[place]}; there is one for each."
    if len({price.price_type is PriceType.FREE for price in prices}) == 2:
        yield ("prices",), "A plan is either free or paid: FREE cannot stand beside other prices."
    pays_later = any(_pays_later(component) for price in prices for component in price.components)
    for place, price in enumerate(prices):
        path: Path = ("prices", place)
        yield from _price_faults(path, price, exponents[currencies[place]])
        for number, component in enumerate(price.components):
            at = (*path, _COMPONENTS, number)
            yield from _component_faults(at, component, features, had, pays_later=pays_later)
    yield from _regional_faults(prices, currencies, default_currency)


def _price_faults(path: Path, price: NewPrice, exponent: int) -> Iterator[Fault]:
    if price.price_type is not PriceType.PAID and price.components:
        yield (*path, _COMPONENTS), f"A {price.price_type.value} price has no charges."
    names = [component.feature_id for component in price.components]
    for place in _repeated(names):
        what = "the plan itself" if names[place] is None else "this feature"
        yield (*path, _COMPONENTS, place, "feature"), f"There is already an entry for {what}."
    periods = [{charge.period for charge in component.charges} for component in price.components]
    for place, those in enumerate(periods):
        if those != periods[0]:
            yield (
                (*path, _COMPONENTS, place, "charges"),
                f"Every entry is charged for the same periods, here {_named(periods[0])}.",
            )
    recurring = set(chain.from_iterable(periods)) - {ChargePeriod.ONE_TIME}
    if price.free_trial:
        if not recurring:
            yield (*path, "freeTrial"), "A trial needs a recurring charge: after a one-time price nothing would follow."
        if not price.trial_days:
            yield (*path, "trialPeriod"), "Ensure this value is greater than or equal to 1."
    for number, component in enumerate(price.components):
        at = (*path, _COMPONENTS, number)
        if component.feature_id is None:
            yield from _base_amount_faults(at, component, exponent)
        elif component.model not in BY_AMOUNT and _is_one_time(price):
            yield (*at, "priceModel"), "Beside a one-time base price only FLAT and PACKAGE are possible."


def _base_amount_faults(path: Path, component: Component, exponent: int) -> Iterator[Fault]:
    for place, charge in enumerate(component.charges):
        if charge.amount is not None and has_decimals_beyond(charge.amount, exponent):
            many = "no decimal places" if exponent == 0 else f"no more than {exponent} decimal places"
            yield (*path, "charges", place, "priceData", "amount"), f"An amount in this currency has {many}."


def _component_faults(
    path: Path, component: Component, features: Mapping[UUID, Feature], had: Collection[UUID], *, pays_later: bool
) -> Iterator[Fault]:
    if component.feature_id is None:
        if component.model is not PriceModel.FLAT:
            yield (*path, "feature"), f"{component.model.value} prices a feature: {_REQUIRED}"
        if _pays_later(component):
            yield (*path, "feature"), f"PAY_AS_YOU_GO prices the usage of a feature: {_REQUIRED}"
    else:
        yield from feature_faults((*path, "feature"), component.feature_id, features, had, (FeatureType.METER,))
    if not component.charges:
        yield (*path, "charges"), "Ensure this field has at least 1 elements."
    for place in _repeated([charge.period for charge in component.charges]):
        yield (*path, "charges", place, "chargePeriod"), "There is already a charge for this period."
    for place, charge in enumerate(component.charges):
        yield from _charge_faults((*path, "charges", place), component, charge)
        if pays_later and charge.period is not ChargePeriod.MONTHLY:
            yield (
                (*path, "charges", place, "chargePeriod"),
                "With PAY_AS_YOU_GO, MONTHLY is the plan's only charge period.",
            )
    if _pays_later(component):
        yield from _pay_as_you_go_faults(path, component)
    yield from terms_faults(path, component.terms, is_limited=not _pays_later(component))


def _pay_as_you_go_faults(path: Path, component: Component) -> Iterator[Fault]:
    if component.model is PriceModel.STAIRSTEP:
        yield (*path, "priceModel"), "PAY_AS_YOU_GO does not go with STAIRSTEP."
    if component.terms.rollover and component.terms.rollover.enabled:
        yield (*path, "rollover"), "Nothing is left over with PAY_AS_YOU_GO: rollover is for ADVANCE_COMMITMENT."
    if component.terms.reset not in (Reset.NEVER, Reset.EVERY_MONTH):
        yield (
            (*path, "reset"),
            "A PAY_AS_YOU_GO meter begins again with every monthly period; nothing else is possible.",
        )


def feature_faults(
    path: Path, id: UUID, features: Mapping[UUID, Feature], had: Collection[UUID], kinds: Collection[FeatureType]
) -> Iterator[Fault]:
    """Yield what keeps a feature from being named here.

    It must exist, be of one of these types, and not be archived, unless the plan had it before.
    """
    feature = features.get(id)
    if feature is None:
        yield path, f'Invalid pk "{id}" - object does not exist.'
    elif feature.is_archived and id not in had:
        yield path, f"The feature {feature.identifier} is archived."
    elif feature.feature_type not in kinds:
        yield path, f"The feature {feature.identifier} is {feature.feature_type.value}; only METER features are priced."


def _charge_faults(path: Path, component: Component, charge: Charge) -> Iterator[Fault]:
    if component.model in BY_AMOUNT:
        if charge.amount is None:
            yield (*path, "priceData", "amount"), _REQUIRED
        if charge.tiers:
            yield (*path, "tiers"), f"{component.model.value} has no tiers."
    else:
        yield from _tier_faults((*path, "tiers"), component.model, charge.tiers)
        if charge.amount is not None:
            yield (*path, "priceData", "amount"), f"{component.model.value} is priced by tiers."
    if component.model is PriceModel.PACKAGE:
        if charge.package_size is None:
            yield (*path, "priceData", "blockSize"), _REQUIRED
    elif charge.package_size is not None:
        yield (*path, "priceData", "blockSize"), "Only PACKAGE comes in blocks."
    if charge.min_quantity is not None or charge.max_quantity is not None:
        if component.model is not PriceModel.FLAT or component.feature_id is None:
            yield (*path, "advanced"), "Quantities are bounded for FLAT prices of a feature only."
        elif (charge.min_quantity or 0) > (charge.max_quantity if charge.max_quantity is not None else 2**63):
            yield (*path, "advanced", "maxQuantity"), "Ensure this value is not below minQuantity."


def _tier_faults(path: Path, model: PriceModel, tiers: Sequence[Tier]) -> Iterator[Fault]:
    if not tiers:
        yield path, f"{model.value} needs at least one tier."
        return
    for place, tier in enumerate(tiers[:-1]):
        if tier.up_to is None:
            yield (*path, place, "upTo"), 'Only the last tier is without end ("inf" or null).'
    if tiers[-1].up_to is not None:
        yield (*path, len(tiers) - 1, "upTo"), 'The last tier is without end ("inf" or null).'
    for place, (lower, upper) in enumerate(pairwise(tiers), 1):
        if lower.up_to is not None and upper.up_to is not None and upper.up_to <= lower.up_to:
            yield (*path, place, "upTo"), f"Tiers ascend: ensure this value is greater than {lower.up_to}."
    if model is PriceModel.STAIRSTEP:
        for place, tier in enumerate(tiers):
            if tier.unit_amount:
                yield (*path, place, "unitAmount"), "A step of STAIRSTEP has a flat amount only."


def terms_faults(path: Path, terms: MeterTerms, *, is_limited: bool) -> Iterator[Fault]:
    """Yield what is wrong with a meter's reset, rollover and alerts. Without a limit nothing can be a part of it."""
    if terms.reset is Reset.EVERY_28_DAYS and terms.reset_time is ResetTime.BEGINNING_OF_PERIOD:
        yield (*path, "resetTime"), "No calendar has periods of 28 days; only SUBSCRIPTION_START is possible."
    has_limit = is_limited and not terms.has_unlimited_usage
    yield from _rollover_faults((*path, "rollover"), terms.rollover, terms.reset, has_limit=has_limit)
    yield from _alert_faults((*path, "usageAlerts"), terms.usage_alerts, has_limit=has_limit)


def _rollover_faults(path: Path, rollover: Rollover | None, reset: Reset, *, has_limit: bool) -> Iterator[Fault]:
    if rollover is None or not rollover.enabled:
        return
    if reset is Reset.NEVER:
        yield path, "Rollover needs a recurring reset: without one there is nothing to carry over."
    if not has_limit:
        yield path, "Rollover needs a limit: of unlimited usage nothing is left over."


def _alert_faults(path: Path, alerts: UsageAlerts, *, has_limit: bool) -> Iterator[Fault]:
    if alerts.enabled and not alerts.thresholds:
        yield (*path, "thresholds"), "Alerts need at least one threshold."
    for place in _repeated(alerts.thresholds):
        yield (*path, "thresholds", place), "This threshold appears more than once."
    is_percentage = alerts.threshold_type is ThresholdType.PERCENTAGE
    if alerts.enabled and is_percentage and not has_limit:
        yield (*path, "thresholdType"), "A percentage needs a limit to be a part of; only BALANCE is possible."
    for place, threshold in enumerate(alerts.thresholds):
        if threshold < 1 or (is_percentage and threshold > 100):
            bounds = "between 1 and 100" if is_percentage else "greater than or equal to 1"
            yield (*path, "thresholds", place), f"Ensure this value is {bounds}."


def _regional_faults(prices: Sequence[NewPrice], currencies: Sequence[str], default_currency: str) -> Iterator[Fault]:
    """A regional price says what the base price says, in another currency: same features, same periods."""
    paid = [place for place, price in enumerate(prices) if price.price_type is PriceType.PAID and price.components]
    if not paid:
        return
    base = _base(prices, default_currency)
    wanted = _shape(prices[base])
    for place in paid:
        if _shape(prices[place]).keys() != wanted.keys():
            yield (
                ("prices", place, _COMPONENTS),
                f"A price in another currency prices the same features as the base price in {currencies[base]}.",
            )
        elif _shape(prices[place]) != wanted:
            yield (
                ("prices", place, _COMPONENTS),
                f"A price in another currency has the periods, models and billing of the one in {currencies[base]}.",
            )


def _shape(price: NewPrice) -> dict[UUID | None, object]:
    return {
        component.feature_id: (component.model, component.payment_type, {charge.period for charge in component.charges})
        for component in price.components
    }


def _pays_later(component: Component) -> bool:
    return component.payment_type is PaymentType.PAY_AS_YOU_GO


def _is_one_time(price: NewPrice) -> bool:
    return any(
        charge.period is ChargePeriod.ONE_TIME
        for component in price.components
        if component.feature_id is None
        for charge in component.charges
    )


def _repeated(values: Iterable[object]) -> Iterator[int]:
    """Yield the places of values that stood before."""
    seen: set[object] = set()
    for place, value in enumerate(values):
        if value in seen:
            yield place
        seen.add(value)


def _named(periods: Collection[ChargePeriod]) -> str:
    return ", ".join(period.value for period in ChargePeriod if period in periods) or "none"
