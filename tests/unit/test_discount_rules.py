"""What a discount may be, and which sales it holds for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kelviq_server.catalog.prices.records import OfferedPlan
from kelviq_server.core import discount as core
from kelviq_server.core.errors import Refusal
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.promotions.discounts.errors import (
    DiscountExpired,
    DiscountInOtherCurrency,
    DiscountNotForPlan,
    DiscountUnknown,
    DiscountUsedUp,
)
from kelviq_server.promotions.discounts.records import (
    Discount,
    DiscountStatus,
    DiscountType,
    NamedRestriction,
    Offered,
    Restriction,
    Sale,
    Terms,
)
from kelviq_server.promotions.discounts.rules import edit, new_discount, refuse_sale

NOW = datetime(2030, 1, 31, tzinfo=UTC)
SUITE, PLAN, PRICE = uuid4(), uuid4(), uuid4()
SALE = Sale(SUITE, PLAN, PRICE, "USD")
NOTHING = Offered(frozenset(), {})
TENTH = Terms(DiscountType.PERCENTAGE, Decimal(10), None, None, True, None)
TEN_DOLLARS = Terms(DiscountType.FIXED_AMOUNT, None, 1000, "USD", True, None)


def discount(**fields: Any) -> Discount:
    """Return a discount of a tenth."""
    values: dict[str, Any] = {
        "id": uuid4(), "name": "Launch", "code": "LAUNCH", "terms": TENTH, "redemption_limit": None,
        "expires_at": None, "is_enabled": True, "restrictions": (), "metadata": "{}", "redemptions": 0,
        "status": DiscountStatus.ACTIVE, "created_at": NOW, "modified_at": NOW,
    }  # fmt: skip
    return Discount(**{**values, **fields})


def faults(given: Discount, sent: dict[str, Any], offered: Offered = NOTHING) -> dict[str, Any]:
    with pytest.raises(InvalidFields) as refused:
        edit(given, sent, offered)
    return refused.value.errors


@pytest.mark.parametrize(
    ("terms", "off", "cycles"),
    [
        (TENTH, core.Percentage(Decimal(10)), None),
        (replace(TENTH, cycles=3), core.Percentage(Decimal(10)), 3),
        (replace(TENTH, is_recurring=False), core.Percentage(Decimal(10)), 1),
        (TEN_DOLLARS, core.FixedAmount(1000), None),
    ],
)
def test_terms_are_reckoned_with_as_the_core_has_them(terms: Terms, off: Any, cycles: int | None) -> None:
    assert terms.discount() == core.Discount(off, cycles)


@given(units=st.integers(1, 10**14), currency=st.sampled_from(["USD", "JPY", "KWD", "CLF"]))
def test_an_amount_sent_back_as_it_was_read_changes_nothing(units: int, currency: str) -> None:
    given = discount(terms=replace(TEN_DOLLARS, amount_units=units, currency=currency))
    assert edit(given, {"currency": currency}, NOTHING) is None


@pytest.mark.parametrize(
    ("fields", "sale", "why"),
    [
        ({"is_enabled": False}, SALE, DiscountUnknown),
        ({"expires_at": NOW}, SALE, DiscountExpired),
        ({"redemption_limit": 2, "redemptions": 2}, SALE, DiscountUsedUp),
        ({"restrictions": (Restriction(uuid4()),)}, SALE, DiscountNotForPlan),
        ({"restrictions": (Restriction(SUITE, "other", None, uuid4()),)}, SALE, DiscountNotForPlan),
        ({"restrictions": (Restriction(SUITE, "pro", uuid4(), PLAN, "EUR"),)}, SALE, DiscountNotForPlan),
        ({"terms": replace(TEN_DOLLARS, currency="EUR")}, SALE, DiscountInOtherCurrency),
    ],
)
def test_a_sale_is_refused_with_the_reason(fields: dict[str, Any], sale: Sale, why: type[Refusal]) -> None:
    with pytest.raises(why) as refused:
        refuse_sale(discount(**fields), sale, NOW)
    assert (refused.value.field, refused.value.status) == ("discountCode", 400)


def test_what_is_not_there_is_unknown() -> None:
    with pytest.raises(DiscountUnknown):
        refuse_sale(None, SALE, NOW)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"expires_at": NOW + timedelta(microseconds=1)},
        {"redemption_limit": 2, "redemptions": 1},
        {"restrictions": (Restriction(uuid4()), Restriction(SUITE))},
        {"restrictions": (Restriction(SUITE, "pro", None, PLAN),)},
        {"restrictions": (Restriction(SUITE, "pro", PRICE, PLAN, "USD"),)},
        # The price of another version of the plan.
        {"restrictions": (Restriction(SUITE, "pro", uuid4(), PLAN, "USD"),)},
        {"terms": TEN_DOLLARS},
    ],
)
def test_a_sale_goes_through_where_the_discount_holds(fields: dict[str, Any]) -> None:
    given = discount(**fields)
    assert refuse_sale(given, SALE, NOW) is given


def test_once_redeemed_only_what_was_not_promised_may_change() -> None:
    given = discount(redemptions=2, redemption_limit=5)
    assert set(faults(given, {"percentage": Decimal(11), "recurring": False, "code": "OTHER", "name": "Other"})) == {
        "percentage", "recurring", "code"
    }  # fmt: skip
    assert set(faults(given, {"redemption_limit": 1})) == {"redemptionLimit"}
    assert edit(given, {"percentage": Decimal("10.00"), "code": "LAUNCH", "redemption_limit": 5}, NOTHING) is None
    changed = edit(given, {"redemption_limit": 2, "is_enabled": False, "expires_at": NOW, "name": "Other"}, NOTHING)
    assert changed is not None
    assert (changed.redemption_limit, changed.is_enabled, changed.expires_at, changed.name) == (2, False, NOW, "Other")


def test_what_belongs_to_another_type_goes_with_it() -> None:
    changed = edit(discount(), {"type": DiscountType.FIXED_AMOUNT, "amount": Decimal(10), "currency": "USD"}, NOTHING)
    assert changed is not None
    assert changed.terms == TEN_DOLLARS
    assert set(faults(discount(), {"type": DiscountType.FIXED_AMOUNT})) == {"amount", "currency"}
    assert set(faults(discount(terms=TEN_DOLLARS), {"percentage": Decimal(5)})) == {"percentage"}


def test_all_faults_are_named_at_once() -> None:
    sent: dict[str, Any] = {
        "name": "Launch", "code": "LAUNCH", "type": DiscountType.FIXED_AMOUNT, "percentage": Decimal(5),
        "amount": Decimal("1.5"), "currency": "JPY", "recurring": False, "cycles": 2, "redemption_limit": None,
        "expires_at": None, "is_enabled": True, "metadata": "{}",
        "restrictions": [NamedRestriction(SUITE, "pro", PRICE), NamedRestriction(uuid4())],
    }  # fmt: skip
    plan = OfferedPlan(PLAN, "pro", SUITE, {PRICE: "USD"})
    with pytest.raises(InvalidFields) as refused:
        new_discount(sent, Offered(frozenset[UUID]({SUITE}), {"pro": plan}))
    assert set(refused.value.errors) == {"percentage", "amount", "cycles", "restrictions"}
    assert [list(entry) for entry in refused.value.errors["restrictions"]] == [["price"], ["product"]]
