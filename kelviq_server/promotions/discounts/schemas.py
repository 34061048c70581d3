"""Discounts as the wire spells them."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from msgspec import Raw
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.core.money import has_decimals_beyond, to_amount
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import (
    MAX_AMOUNT,
    MAX_SMALL_INT,
    Between,
    Currency,
    Flag,
    Id,
    Instant,
    Number,
    Slug,
    currency_exponents,
    exact_number,
)
from kelviq_server.platform.wire import Answer, Body, FreeForm, Name, Text, wire_instant
from kelviq_server.promotions.discounts.records import (
    Discount,
    DiscountStatus,
    DiscountType,
    NamedRestriction,
    Redemption,
)

_ABSENT: Any = None
_NUMBER = r"[0-9]{1,15}(\.[0-9]{1,12})?"
_PERCENTAGE_PLACES = 4
MAX_RESTRICTIONS = 100


def _code(value: str) -> str:
    if not value:
        raise PydanticCustomError("blank", "This field may not be blank.")
    if any(character.isspace() for character in value):
        raise PydanticCustomError("code", "White space is not allowed.")
    return value


def _decimal(value: Any) -> Decimal:
    """Take a number, or a text that is one: answers write money as a text."""
    if isinstance(value, str):
        if not re.fullmatch(_NUMBER, value.strip(), re.ASCII):
            raise PydanticCustomError("number", "A valid number is required.")
        value = Decimal(value.strip())
    return exact_number(value)


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise PydanticCustomError("positive", "Ensure this value is greater than 0.")
    return value


def _percentage(value: Decimal) -> Decimal:
    if has_decimals_beyond(value, _PERCENTAGE_PLACES):
        raise PydanticCustomError("places", "Ensure that there are no more than 4 decimal places.")
    return value


# What a buyer types. Upper or lower case makes no difference.
Code = Annotated[
    Text,
    Field(max_length=64),
    AfterValidator(_code),
    WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 64, "pattern": r"^[^\s\x00-\x1f\x7f-\x9f]+$"}),
]
PercentageField = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(le=100),
    AfterValidator(_positive),
    AfterValidator(_percentage),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100}),
]
AmountField = Annotated[
    Decimal,
    BeforeValidator(_decimal),
    Field(le=MAX_AMOUNT),
    AfterValidator(_positive),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_AMOUNT},
                {"type": "string", "pattern": f"^{_NUMBER}$"},
            ]
        }
    ),
]
Count = Annotated[int, Between(1, MAX_SMALL_INT)]


class DiscountRestrictionWrite(Body):
    """What a discount shall hold for."""

    product: Id = Field(description="The product's UUID; without a plan, all its plans.")
    plan: Slug | None = Field(None, description="The identifier of a plan of the product that is or was for sale.")
    price: Id | None = Field(
        None, description="The UUID of a price of the plan; the discount holds for it in every version of the plan."
    )

    def named(self) -> NamedRestriction:
        """Return what it names."""
        return NamedRestriction(self.product, self.plan, self.price)


_CODE = "What buyers type, without white space; upper or lower case makes no difference."
_PERCENTAGE = "How many hundredths PERCENTAGE takes off, with up to four decimals."
_AMOUNT = "How much FIXED_AMOUNT takes off, in the major unit of its currency."
_RECURRING = "Whether it holds for renewals, too; otherwise it holds for the first purchase alone."
_CYCLES = "For how many billing cycles it holds, where it is recurring; null is for ever."
_LIMIT = "How many orders can redeem it; null is any number."
_EXPIRES = "From when on it cannot be redeemed any more; null is never."
_RESTRICTIONS = "What it holds for; none is everything."


class DiscountUpdateRequest(Body):
    """Fields of a discount to change. Once it was redeemed, its code, type, value and duration are fixed."""

    name: Name = Field(_ABSENT, description="What you call it.")
    code: Code = Field(_ABSENT, description=_CODE, examples=["LAUNCH20"])
    type: DiscountType = Field(_ABSENT, description="Whether it takes off a part, or an amount.")
    percentage: PercentageField | None = Field(_ABSENT, description=_PERCENTAGE, examples=[20])
    amount: AmountField | None = Field(_ABSENT, description=_AMOUNT, examples=["10.00"])
    currency: Currency | None = Field(_ABSENT, description="ISO 4217 code, of FIXED_AMOUNT.", examples=["USD"])
    recurring: Flag = Field(_ABSENT, description=_RECURRING)
    cycles: Count | None = Field(_ABSENT, description=_CYCLES)
    redemption_limit: Count | None = Field(_ABSENT, description=_LIMIT)
    expires_on: Instant | None = Field(_ABSENT, description=_EXPIRES)
    enabled: Flag = Field(_ABSENT, description="Whether it can be redeemed.")
    restrictions: list[DiscountRestrictionWrite] = Field(
        _ABSENT, max_length=MAX_RESTRICTIONS, description=_RESTRICTIONS + " Replaced whole."
    )
    metadata: FreeForm = Field(_ABSENT, description="Key-value pairs of your own; replaced whole.")

    def sent(self) -> dict[str, Any]:
        """Return what was sent, under the names of our own."""
        return _own({name: getattr(self, name) for name in self.model_fields_set})


class DiscountCreateRequest(Body):
    """A discount to create."""

    name: Name = Field(description="What you call it.")
    code: Code | None = Field(None, description=_CODE + " Made by the server if missing.", examples=["LAUNCH20"])
    type: DiscountType = Field(description="Whether it takes off a part, or an amount.")
    percentage: PercentageField | None = Field(None, description=_PERCENTAGE, examples=[20])
    amount: AmountField | None = Field(None, description=_AMOUNT, examples=["10.00"])
    currency: Currency | None = Field(None, description="ISO 4217 code, of FIXED_AMOUNT.", examples=["USD"])
    recurring: Flag = Field(True, description=_RECURRING)
    cycles: Count | None = Field(None, description=_CYCLES)
    redemption_limit: Count | None = Field(None, description=_LIMIT)
    expires_on: Instant | None = Field(None, description=_EXPIRES)
    enabled: Flag = Field(True, description="Whether it can be redeemed.")
    restrictions: list[DiscountRestrictionWrite] = Field([], max_length=MAX_RESTRICTIONS, description=_RESTRICTIONS)
    metadata: FreeForm = Field("{}", description="Key-value pairs of your own.", examples=[{"campaign": "launch"}])

    def sent(self) -> dict[str, Any]:
        """Return all that a discount is made from, under the names of our own."""
        return _own({name: getattr(self, name) for name in type(self).model_fields})


_OWN_NAMES = {"expires_on": "expires_at", "enabled": "is_enabled"}


def _own(values: dict[str, Any]) -> dict[str, Any]:
    own = {_OWN_NAMES.get(name, name): value for name, value in values.items()}
    if "restrictions" in own:
        own["restrictions"] = [restriction.named() for restriction in own["restrictions"]]
    return own


class DiscountRestriction(Answer):
    """What a discount holds for."""

    product: UUID = Field(description="The product's UUID.")
    plan: str | None = Field(description="The plan's identifier; null is all plans of the product.")
    price: UUID | None = Field(description="The UUID of the plan's price; null is all prices of the plan.")


class DiscountResponse(Answer):
    """A discount."""

    id: UUID = Field(description="The discount's UUID.")
    name: str = Field(description="What you call it.")
    code: str = Field(description="What buyers type; upper or lower case makes no difference.")
    type: DiscountType = Field(description="Whether it takes off a part, or an amount.")
    percentage: Number | None = Field(description="How many hundredths; null unless it is a PERCENTAGE.")
    amount: str | None = Field(description="How much; null unless it is a FIXED_AMOUNT.", examples=["10.00"])
    currency: str | None = Field(description="Of the amount.", examples=["USD"])
    recurring: bool = Field(description="Whether it holds for renewals, too.")
    cycles: int | None = Field(description="For how many billing cycles, where it is recurring; null is for ever.")
    redemption_limit: int | None = Field(description="How many orders can redeem it; null is any number.")
    redemptions: int = Field(description="How many orders did.")
    expires_on: datetime | None = Field(description="From when on it cannot be redeemed any more; null is never.")
    enabled: bool = Field(description="Whether you let it be redeemed.")
    status: DiscountStatus = Field(
        description="ACTIVE: it can be redeemed. EXPIRED: past its end, or used up. DISABLED: switched off."
    )
    restrictions: list[DiscountRestriction] = Field(description="What it holds for; none is everything.")
    metadata: dict[str, Any] = Field(description="The merchant's own key-value pairs.")
    created_on: datetime = Field(description="When it was created.")
    modified_on: datetime = Field(description="When you last changed it.")


class PaginatedDiscounts(ListAnswer):
    """One page of the discounts, newest first."""

    results: list[DiscountResponse] = Field(description="The discounts of this page.")


class DiscountRedemption(Answer):
    """That an order redeemed a discount."""

    order_id: str = Field(description="The order.")
    customer_id: str = Field(description="Your identifier of the customer.")
    amount_units: int = Field(description="How much was taken off, in minor units.")
    currency: str = Field(description="ISO 4217 code.")
    redeemed_on: datetime = Field(description="When.")


class PaginatedDiscountRedemptions(ListAnswer):
    """One page of a discount's redemptions, newest first."""

    results: list[DiscountRedemption] = Field(description="The redemptions of this page.")


def discount_answer(discount: Discount) -> dict[str, Any]:
    """Return a discount as the API answers with it."""
    terms = discount.terms
    return {
        "id": discount.id,
        "name": discount.name,
        "code": discount.code,
        "type": terms.type,
        "percentage": terms.percentage,
        "amount": _amount(terms.amount_units, terms.currency),
        "currency": terms.currency,
        "recurring": terms.is_recurring,
        "cycles": terms.cycles,
        "redemptionLimit": discount.redemption_limit,
        "redemptions": discount.redemptions,
        "expiresOn": None if discount.expires_at is None else wire_instant(discount.expires_at),
        "enabled": discount.is_enabled,
        "status": discount.status,
        "restrictions": [
            {"product": restriction.product_id, "plan": restriction.plan, "price": restriction.price_id}
            for restriction in discount.restrictions
        ],
        "metadata": Raw(discount.metadata),
        "createdOn": wire_instant(discount.created_at),
        "modifiedOn": wire_instant(discount.modified_at),
    }


def _amount(units: int | None, currency: str | None) -> str | None:
    return None if units is None or currency is None else format(to_amount(units, currency_exponents()[currency]), "f")


def redemption_answer(redemption: Redemption) -> dict[str, Any]:
    """Return a redemption as the API answers with it."""
    return {
        "orderId": redemption.order_id,
        "customerId": redemption.customer,
        "amountUnits": redemption.amount_units,
        "currency": redemption.currency,
        "redeemedOn": wire_instant(redemption.redeemed_at),
    }
