"""What a discount may be, and what it holds for."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from kelviq_server.catalog.prices.records import OfferedPlan
from kelviq_server.core.money import has_decimals_beyond, round_half_away, to_amount
from kelviq_server.platform.values import currency_exponents
from kelviq_server.platform.wire import Path, refuse_faults
from kelviq_server.promotions.discounts.errors import (
    DiscountExpired,
    DiscountInOtherCurrency,
    DiscountNotForCountry,
    DiscountNotForPlan,
    DiscountOfPromotion,
    DiscountUnknown,
    DiscountUsedUp,
)
from kelviq_server.promotions.discounts.records import (
    Discount,
    DiscountType,
    NamedRestriction,
    NewDiscount,
    Offered,
    Restriction,
    Sale,
    SaleDiscount,
    Terms,
)

Fault = tuple[Path, str]

# Of a code that we make: no two characters that look alike.
CODE_ALPHABET, CODE_CHARACTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789", 10
_OWN_FIELDS = {DiscountType.PERCENTAGE: ("percentage",), DiscountType.FIXED_AMOUNT: ("amount", "currency")}
# What the wire calls the terms.
_TERMS = {
    "type": "type",
    "percentage": "percentage",
    "amount": "amount_units",
    "currency": "currency",
    "recurring": "is_recurring",
    "cycles": "cycles",
}
_KEPT_AS_SENT = ("name", "code", "redemption_limit", "expires_at", "is_enabled", "metadata")


def new_discount(sent: Mapping[str, Any], offered: Offered) -> NewDiscount:
    """Return the discount that is to be made; raises InvalidFields."""
    faults: list[Fault] = []
    terms = _terms({}, sent, faults)
    restrictions = _restrictions(sent["restrictions"], offered, terms.currency, faults)
    refuse_faults(faults)
    return NewDiscount(terms=terms, restrictions=restrictions, **{name: sent[name] for name in _KEPT_AS_SENT})


def edit(discount: Discount, sent: Mapping[str, Any], offered: Offered) -> NewDiscount | None:
    """Return the discount's values with what was sent, or None when everything is so already; raises InvalidFields."""
    faults: list[Fault] = []
    before = discount.values()
    terms = _terms(_sent_as(before.terms), sent, faults)
    restrictions = before.restrictions
    if "restrictions" in sent:
        restrictions = _restrictions(sent["restrictions"], offered, terms.currency, faults)
    elif any(_is_in_other_currency(restriction, terms.currency) for restriction in restrictions):
        faults.append((("currency",), "A restriction of the discount names a price in another currency."))
    others = {name: sent[name] for name in _KEPT_AS_SENT if name in sent}
    after = replace(before, terms=terms, restrictions=restrictions, **others)
    if after.redemption_limit is not None and after.redemption_limit < discount.redemptions:
        reason = f"Ensure this value is greater than or equal to {discount.redemptions}, the redemptions so far."
        faults.append((("redemptionLimit",), reason))
    if discount.redemptions:
        changed = [name for name, own in _TERMS.items() if getattr(terms, own) != getattr(before.terms, own)]
        if after.code != before.code:
            changed.append("code")
        faults += [((name,), "This cannot change once the discount was redeemed.") for name in changed if name in sent]
    refuse_faults(faults)
    return None if after == before else after


def _sent_as(terms: Terms) -> dict[str, Any]:
    """Return terms as a body would have them."""
    values: dict[str, Any] = {name: getattr(terms, own) for name, own in _TERMS.items()}
    if terms.amount_units is not None and terms.currency is not None:
        values["amount"] = to_amount(terms.amount_units, currency_exponents()[terms.currency])
    return values


def _terms(before: Mapping[str, Any], sent: Mapping[str, Any], faults: list[Fault]) -> Terms:
    """Return the terms with what was sent. What belongs to another type or duration goes unless it was sent."""
    values = {**before, **{name: sent[name] for name in _TERMS if name in sent}}
    for kind, names in _OWN_FIELDS.items():
        for name in names:
            if kind is values["type"]:
                if values[name] is None:
                    faults.append(((name,), "This field is required."))
                continue
            if sent.get(name) is not None:
                faults.append(((name,), f"Only a {kind} discount has this."))
            values[name] = None
    if not values["recurring"]:
        if sent.get("cycles") is not None:
            faults.append((("cycles",), "Only a recurring discount has cycles."))
        values["cycles"] = None
    return Terms(
        type=values["type"],
        percentage=values["percentage"],
        amount_units=_units(values["amount"], values["currency"], faults),
        currency=values["currency"],
        is_recurring=values["recurring"],
        cycles=values["cycles"],
    )


def _units(amount: Decimal | None, currency: str | None, faults: list[Fault]) -> int | None:
    if amount is None or currency is None:
        return None
    exponent = currency_exponents()[currency]
    if has_decimals_beyond(amount, exponent):
        faults.append((("amount",), f"{currency} has no more than {exponent} decimal places."))
    return round_half_away(amount, exponent)


def _restrictions(
    named: Collection[NamedRestriction], offered: Offered, currency: str | None, faults: list[Fault]
) -> tuple[Restriction, ...]:
    """Return what these name, each once. Prices are in the discount's currency, where it has one."""
    found: dict[Restriction, None] = {}
    for place, entry in enumerate(named):
        plan = None if entry.plan is None else offered.plans.get(entry.plan)
        price_currency = None if plan is None or entry.price_id is None else plan.currencies.get(entry.price_id)
        restriction = Restriction(
            entry.product_id, entry.plan, entry.price_id, None if plan is None else plan.id, price_currency
        )
        found[restriction] = None
        if fault := _restriction_fault(restriction, plan, offered, currency):
            field, reason = fault
            faults.append((("restrictions", place, field), reason))
    return tuple(found)


def _restriction_fault(
    restriction: Restriction, plan: OfferedPlan | None, offered: Offered, currency: str | None
) -> tuple[str, str] | None:
    if restriction.product_id not in offered.products:
        return "product", f'Invalid pk "{restriction.product_id}" - object does not exist.'
    if restriction.plan is not None and (plan is None or plan.product_id != restriction.product_id):
        return "plan", "The product has no such plan that is or was for sale."
    if restriction.price_id is None:
        return None
    if plan is None:
        return "plan", "A price needs its plan beside it."
    if restriction.currency is None:
        return "price", "The plan has no such price that is or was for sale."
    if _is_in_other_currency(restriction, currency):
        return "price", f"The price is in {restriction.currency}, the discount in {currency}."
    return None


def _is_in_other_currency(restriction: Restriction, currency: str | None) -> bool:
    return None not in (currency, restriction.currency) and restriction.currency != currency


def refuse_sale(discount: Discount | None, sale: Sale, now: datetime) -> Discount:
    """Return the discount where it holds for a sale; raises why it does not."""
    if discount is None or not discount.is_enabled:
        raise DiscountUnknown
    if discount.expires_at is not None and now >= discount.expires_at:
        raise DiscountExpired
    if discount.redemption_limit is not None and discount.redemptions >= discount.redemption_limit:
        raise DiscountUsedUp
    if discount.restrictions and not any(_covers(restriction, sale) for restriction in discount.restrictions):
        raise DiscountNotForPlan
    if discount.terms.currency not in (None, sale.currency):
        raise DiscountInOtherCurrency
    if discount.is_strict and sale.country not in (None, discount.country):
        raise DiscountNotForCountry
    return discount


def sale_discount(discount: Discount) -> SaleDiscount:
    """Return a discount as a sale has it."""
    country = discount.country if discount.is_strict else None
    return SaleDiscount(
        discount.id, discount.code, discount.name, discount.terms.discount(), country, discount.promotion_id
    )


def refuse_country_unknown(discount: SaleDiscount, country: str | None) -> None:
    """Raise DiscountNotForCountry where buyers have to be somewhere, and nobody knows where this one is."""
    if discount.country is not None and country is None:
        raise DiscountNotForCountry


def refuse_card(discount: SaleDiscount | None, country: str | None) -> None:
    """Raise DiscountNotForCountry for a card from elsewhere than buyers have to be; None: it does not say."""
    if discount is not None and country is not None and discount.country not in (None, country):
        raise DiscountNotForCountry


def own_discount(discount: Discount) -> Discount:
    """Return a discount that is no promotion's code; raises DiscountOfPromotion."""
    if discount.promotion_id is not None:
        raise DiscountOfPromotion
    return discount


def holds_for(discount: Discount, sale: Sale) -> bool:
    """Say whether a discount that was redeemed before may be taken off this, too."""
    is_named = not discount.restrictions or any(_covers(restriction, sale) for restriction in discount.restrictions)
    return is_named and discount.terms.currency in (None, sale.currency)


def _covers(restriction: Restriction, sale: Sale) -> bool:
    """Say whether what is sold is what the restriction names: its price in any version of the plan, too."""
    return (
        restriction.product_id == sale.product_id
        and restriction.plan_id in (None, sale.plan_id)
        and (restriction.price_id in (None, sale.price_id) or restriction.currency == sale.currency)
    )
