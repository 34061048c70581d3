"""What a server lacks of a wanted catalog: pure, value by value."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, cast

from kelviq_server.core.calendar import Reset
from kelviq_server.platform.json_body import dump
from kelviq_server.pricing_as_code.catalog_file import in_order
from kelviq_server.pricing_as_code.pull import Found
from kelviq_server.pricing_as_code.records import (
    Catalog,
    CatalogComponent,
    CatalogEntitlement,
    CatalogFeature,
    CatalogPlan,
    CatalogPrice,
    CatalogProduct,
    Part,
)
from kelviq_server.pricing_as_code.yaml_text import number_text

_DEFAULT_CURRENCY = "USD"
_ABSENT: Any = object()
_TERMS = ("reset", "reset_time", "has_unlimited_usage", "rollover", "usage_alerts")
_FIXED = ("type", "featureDetails", "meter")
_OWN_CALLS = {"currency", "entitlements", "prices", "basePlan"}


class Kind(StrEnum):
    """What a change is about; each is one request."""

    PRODUCT = "product"
    CURRENCY = "currency"
    FEATURE = "feature"
    PLAN = "plan"
    ENTITLEMENTS = "entitlements"
    PRICES = "prices"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a push does."""

    kind: Kind
    identifier: str
    # As people read it, such as `~ plan pro: name "Pro" -> "Pro Plan"`.
    lines: tuple[str, ...]
    is_new: bool = False
    # The fields to send, where they are sent as they stand.
    fields: Mapping[str, Any] | None = None
    entitlements: tuple[CatalogEntitlement, ...] = ()
    prices: tuple[CatalogPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that a push does, in its order."""

    changes: tuple[Change, ...] = ()
    # What differs and cannot be changed: nothing is pushed while there is any.
    drifts: tuple[str, ...] = ()
    # What the server has and the file has not. It is left alone.
    only_there: tuple[str, ...] = ()
    # Plans to publish, where that was asked for: those changed, and drafts that say what the file says.
    unpublished: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """Return the changes as people read them."""
        return [line for change in self.changes for line in change.lines]


def difference(wanted: Catalog, found: Found) -> Difference:
    """Return what makes the server's catalog the wanted one; base plans come before those based on them."""
    plans = in_order(wanted.plans)
    currencies = {product.identifier: product.currency for product in wanted.products}
    changes = [change for product in wanted.products for change in _product_changes(product, found)]
    changes += [change for feature in wanted.features for change in _feature_changes(feature, found)]
    changes += [change for plan in plans for change in _plan_changes(plan, found)]
    changes += [change for plan in plans for change in _entitlement_changes(plan, found)]
    changes += [change for plan in plans for change in _price_changes(plan, found, currencies[plan.product])]
    changed = {change.identifier for change in changes if change.kind in (Kind.PLAN, Kind.ENTITLEMENTS, Kind.PRICES)}
    return Difference(
        changes=tuple(changes),
        drifts=(*_feature_drifts(wanted, found), *_plan_drifts(wanted, found)),
        only_there=tuple(_only_there(wanted, found)),
        unpublished=tuple(
            plan.identifier
            for plan in plans
            if plan.identifier in changed or plan.identifier not in found.published
        ),
    )  # fmt: skip


def settled_prices(prices: Sequence[CatalogPrice], currency: str) -> tuple[CatalogPrice, ...]:
    """Return prices as a server keeps them: each in a currency, the base price first, its terms in all of them.

    What is paid afterwards is metered by month.
    """
    known = [price.model_copy(update={"currency": price.currency or currency}) for price in prices]
    known.sort(key=lambda price: price.currency != currency)
    terms = {each.feature: _terms_of(each) for price in known[:1] for each in price.charge_catalog_price}
    return tuple(
        price.model_copy(
            update={
                "charge_catalog_price": tuple(
                    each.model_copy(update=terms.get(each.feature) or _terms_of(each))
                    for each in price.charge_catalog_price
                )
            }
        )
        for price in known
    )


def _terms_of(component: CatalogComponent) -> dict[str, Any]:
    terms = {name: getattr(component, name) for name in _TERMS}
    if component.payment_type == "PAY_AS_YOU_GO":
        terms |= {"reset": Reset.EVERY_MONTH, "reset_time": None}
    return terms


def _product_changes(product: CatalogProduct, found: Found) -> Iterator[Change]:
    name = product.identifier
    before = found.products.get(name)
    had = _DEFAULT_CURRENCY if before is None else before.currency
    if (change := _change_of(Kind.PRODUCT, before, product)) is not None:
        yield change
    if product.currency != had:
        line = f"~ product {name}: currency {_shown(had)} -> {_shown(product.currency)}"
        yield Change(Kind.CURRENCY, name, (line,), fields={"currency": product.currency})


def _feature_changes(feature: CatalogFeature, found: Found) -> Iterator[Change]:
    if (change := _change_of(Kind.FEATURE, found.features.get(feature.identifier), feature)) is not None:
        yield change


def _plan_changes(plan: CatalogPlan, found: Found) -> Iterator[Change]:
    if (change := _change_of(Kind.PLAN, found.plans.get(plan.identifier), plan)) is not None:
        yield change


def _change_of(kind: Kind, before: Part | None, after: CatalogProduct | CatalogFeature | CatalogPlan) -> Change | None:
    """Return what is created, or which fields are changed."""
    name = after.identifier
    if before is None:
        fields = {key: value for key, value in after.minimal().items() if key not in _OWN_CALLS}
        return Change(kind, name, (f"+ {kind.value} {name}: {_listed(fields, 'identifier')}",), True, fields)
    had, has = before.model_dump(by_alias=True), after.model_dump(by_alias=True)
    left_out = {*_OWN_CALLS, *_FIXED, "product"}
    sent = {key: value for key, value in has.items() if key not in left_out and not same(had[key], value)}
    if not sent:
        return None
    lines = [f"~ {kind.value} {name}: {line}" for key in sent for line in _value_lines(key, had[key], sent[key])]
    return Change(kind, name, tuple(lines), fields=sent)


def _entitlement_changes(plan: CatalogPlan, found: Found) -> Iterator[Change]:
    before = found.plans.get(plan.identifier)
    had = () if before is None else before.entitlements or ()
    wanted = had if plan.entitlements is None else plan.entitlements
    at = f"plan {plan.identifier}"
    lines: list[str] = []
    base_before = None if before is None else before.base_plan
    if plan.base_plan != base_before:
        lines.append(f"~ {at}: basePlan {_shown(base_before)} -> {_shown(plan.base_plan)}")
    fields = {"basePlan": plan.base_plan} if lines or plan.base_plan is not None else {}
    old, new = ({each.feature: each for each in side} for side in (had, wanted))
    lines += _part_lines(at, "entitlement", old, new)
    if lines:
        yield Change(Kind.ENTITLEMENTS, plan.identifier, tuple(lines), fields=fields, entitlements=tuple(wanted))


def _price_changes(plan: CatalogPlan, found: Found, currency: str) -> Iterator[Change]:
    if plan.prices is None:
        return
    before = found.plans.get(plan.identifier)
    old = {each.currency: each for each in settled_prices((before.prices or ()) if before else (), currency)}
    settled = settled_prices(plan.prices, currency)
    lines = _part_lines(f"plan {plan.identifier}", "price", old, {each.currency: each for each in settled})
    if lines:
        yield Change(Kind.PRICES, plan.identifier, tuple(lines), prices=settled)


def _part_lines(at: str, what: str, old: Mapping[Any, Part], new: Mapping[Any, Part]) -> list[str]:
    """Return what became of the entitlements, or the prices, of a plan."""
    lines: list[str] = []
    for name, part in new.items():
        if name not in old:
            lines.append(f"+ {at}: {what} {name}: {_listed(part.minimal(), 'feature', 'currency')}")
        else:
            pairs = _keyed(old[name].model_dump(by_alias=True)), _keyed(part.model_dump(by_alias=True))
            lines += [f"~ {at}: {line}" for line in _value_lines(f"{what} {name}", *pairs)]
    return lines + [f"- {at}: {what} {name}" for name in old if name not in new]


def _keyed(said: dict[str, Any]) -> dict[str, Any]:
    """Return a price with its components and their charges by name instead of place; entitlements come as they are.

    No name of a component is that of a key: it has a space.
    """
    price = dict(said)
    for component in price.pop("chargeCatalogPrice", ()):
        entry = dict(component)
        for charge in entry.pop("charges"):
            shown = {name: value for name, value in charge.items() if name not in ("priceData", "advanced")}
            entry[charge["chargePeriod"]] = {**charge["priceData"], **shown, **charge["advanced"]}
        price[f"of {entry['feature'] or 'the plan'}"] = entry
    return price


def _value_lines(path: str, before: Any, after: Any) -> list[str]:
    """Return what differs between two values, down to the single value, as `path before -> after`."""
    if same(before, after):
        return []
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        old, new = cast("Mapping[str, Any]", before), cast("Mapping[str, Any]", after)
        names = [*old, *(name for name in new if name not in old)]
        return [
            line
            for name in names
            for line in _value_lines(f"{path} {name}", old.get(name, _ABSENT), new.get(name, _ABSENT))
        ]
    return [f"{path} {_shown(before)} -> {_shown(after)}"]


def same(one: Any, other: Any) -> bool:
    """Say whether two values are the same: 1 and 1.0 are, 1 and true are not."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        old, new = cast("Mapping[Any, Any]", one), cast("Mapping[Any, Any]", other)
        return old.keys() == new.keys() and all(same(value, new[name]) for name, value in old.items())
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        olds, news = cast("list[Any]", one), cast("list[Any]", other)
        return len(olds) == len(news) and all(map(same, olds, news))
    return one == other


def _feature_drifts(wanted: Catalog, found: Found) -> Iterator[str]:
    for feature in wanted.features:
        if (before := found.features.get(feature.identifier)) is not None:
            had, has = before.model_dump(by_alias=True), feature.model_dump(by_alias=True)
            for key in _FIXED:
                for line in _value_lines(key, had[key], has[key]):
                    yield f"! feature {feature.identifier}: {line}"


def _plan_drifts(wanted: Catalog, found: Found) -> Iterator[str]:
    for plan in wanted.plans:
        before = found.plans.get(plan.identifier)
        if before is not None and before.product != plan.product:
            yield f"! plan {plan.identifier}: product {_shown(before.product)} -> {_shown(plan.product)}"


def _only_there(wanted: Catalog, found: Found) -> Iterator[str]:
    for kind, theirs, ours in (
        ("product", found.products, wanted.products),
        ("feature", found.features, wanted.features),
        ("plan", found.plans, wanted.plans),
    ):
        names = {each.identifier for each in ours}
        for name in theirs:
            if name not in names:
                yield f"{kind} {name} is on the server only; it is left alone"


def _listed(fields: Mapping[str, Any], *left_out: str) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in fields.items() if name not in left_out)


def _shown(value: Any) -> str:
    return "nothing" if value is _ABSENT else dump(_plain(value))


def _plain(value: Any) -> Any:
    """Return a value with its numbers as short as they can be."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in cast("list[Any]", value)]
    return Decimal(number_text(value)) if isinstance(value, Decimal) else value
