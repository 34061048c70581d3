"""Discounts of subscriptions hold for so many cycles, through renewals, trials and changes, and for nothing else."""

from decimal import Decimal
from typing import Any

import pytest

from kelviq_server.core.calendar import ChargePeriod
from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.db.offers import bought
from tests.make import Made

# April has thirty days: half of it is left.
APRIL, HALF, MAY, JUNE = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01"))
FIXED: dict[str, Any] = {"type": "FIXED_AMOUNT", "percentage": None, "currency": "USD"}


@pytest.fixture
async def plans(api: Client) -> None:
    """Two plans, by month and by year, and a customer with a card."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api, "pro", 100, yearly=1000)
    await subs.recurring(api, "team", 200, yearly=2000)
    await money.customer(api)


async def discount(api: Client, **fields: Any) -> dict[str, Any]:
    """Create the discount LAUNCH, of half the price unless told otherwise."""
    body = {"name": "Launch", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 50, **fields}
    return await catalog.made(api, "/discounts/", body)


async def redemptions(api: Client, discount: dict[str, Any]) -> int:
    """Return how often a discount counts as redeemed."""
    return (await api.get(f"/discounts/{discount['id']}/")).json()["redemptions"]


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"percentage": 10}, [9_000] * 5),
        ({"percentage": 33.3333, "cycles": 3}, [6_667, 6_667, 6_667, 10_000, 10_000]),
        ({"cycles": 1}, [5_000, 10_000, 10_000, 10_000, 10_000]),
        ({"recurring": False}, [5_000, 10_000, 10_000, 10_000, 10_000]),
        ({**FIXED, "amount": "30.01"}, [6_999] * 5),
        ({**FIXED, "amount": "30", "cycles": 2}, [7_000, 7_000, 10_000, 10_000, 10_000]),
        # More than it costs is not given back.
        ({**FIXED, "amount": "150", "cycles": 2}, [0, 0, 10_000, 10_000, 10_000]),
    ],
    ids=["for ever", "three cycles", "one cycle", "once", "fixed", "fixed for two", "more than the price"],
)
async def test_it_holds_for_as_many_cycles_as_it_says(
    api: Client, made: Made, fields: dict[str, Any], expected: list[int]
) -> None:
    launch = await discount(api, **fields)
    created = await bought(api, made, discount_code="launch")
    assert (created["status"], created["amount"]) == ("active", "100.00"), "before discounts"
    # What was sold with it goes on having it, whatever becomes of the code.
    assert (await api.patch(f"/discounts/{launch['id']}/", {"enabled": False})).status_code == 200
    await subs.advance(api, "2031-08-01T00:00:00Z")
    assert await subs.paid(api) == expected
    assert [units for _, units in await subs.asked(api)] == [units for units in expected if units]
    orders = await subs.orders(api)
    assert [order["amountDiscountUnits"] for order in orders] == [10_000 - units for units in expected]
    # It was redeemed by the purchase, and not again by renewals.
    assert await redemptions(api, launch) == 1
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_tax_is_on_what_is_left_and_lines_share_what_is_taken_off(api: Client, made: Made) -> None:
    seats = await catalog.feature(api, name="Seats")
    entry = catalog.entry(catalog.charge(amount=10), feature=seats["id"])
    await subs.recurring(api, "seated", 20, entries=(entry,))
    await money.customer(api, customer_id="bob", billingAddress={"country": "DE"})
    await discount(api, **FIXED, amount="10.00", cycles=2)
    await bought(api, made, "seated", customer_id="bob", discount_code="LAUNCH")
    await subs.advance(api, JUNE)
    # 20.00 and 10.00, less 6.67 and 3.33, and 19 % of that.
    lines = [[line["discountUnits"] for line in invoice["lines"]] for invoice in await subs.invoices(api)]
    assert lines == [[667, 333], [667, 333], [0, 0]]
    assert await subs.paid(api) == [1_333 + 253 + 667 + 127] * 2 + [3_570]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_the_cycles_of_a_trial_begin_when_it_ends(api: Client, made: Made) -> None:
    launch = await discount(api, cycles=2)
    created = await bought(api, made, discount_code="LAUNCH", trial_days=10)
    assert (created["status"], created["trialDaysRemaining"]) == ("trialing", 10)
    await subs.advance(api, "2031-07-11T00:00:00Z")
    assert await subs.paid(api) == [0, 5_000, 5_000, 10_000, 10_000]
    assert await redemptions(api, launch) == 1
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_a_change_within_a_cycle_is_discounted_like_the_cycle(api: Client, made: Made) -> None:
    await discount(api, cycles=2)
    pro = await bought(api, made, discount_code="LAUNCH")
    await subs.advance(api, HALF)
    # Half of 50.00 back, half of 100.00 on top.
    team = await subs.updated(api, pro, "team")
    assert await subs.paid(api) == [5_000, 2_500]
    await subs.foretold(api, team)
    # In the last cycle in which it holds, back and forth is nothing.
    await subs.advance(api, "2031-05-16T12:00:00Z")
    pro = await subs.updated(api, team)
    assert await subs.credit(api) == 2_500
    team = await subs.updated(api, pro, "team")
    assert await subs.credit(api) == 0
    await subs.foretold(api, team)
    assert await subs.paid(api) == [5_000, 2_500, 10_000, 0, 20_000]
    # And when it is over, it is over for changes, too.
    await subs.advance(api, "2031-06-16T00:00:00Z")
    await subs.updated(api, team)
    assert await subs.credit(api) == 5_000
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("proration", ["IMMEDIATE_CHARGE", "NO_PRORATION"])
async def test_a_period_that_begins_by_a_change_is_the_next_cycle(api: Client, made: Made, proration: str) -> None:
    await discount(api, cycles=3)
    monthly = await bought(api, made, discount_code="LAUNCH")
    await subs.advance(api, HALF)
    yearly = await subs.updated(api, monthly, period="YEARLY", prorationBehavior=proration)
    unused = 2_500 if proration == "IMMEDIATE_CHARGE" else 0
    await subs.foretold(api, yearly)
    await subs.advance(api, "2033-04-16T00:00:00Z")
    assert await subs.paid(api) == [5_000, 50_000 - unused, 50_000, 100_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_waited_for_an_invoice_was_discounted_already(api: Client, made: Made) -> None:
    await discount(api, **FIXED, amount="40.00")
    pro = await bought(api, made, discount_code="LAUNCH")
    await subs.advance(api, HALF)
    team = await subs.updated(api, pro, "team", prorationBehavior="PRORATE_NEXT_INVOICE")
    invoice = await subs.foretold(api, team)
    # Half of 60.00 back, half of 160.00 on top; 40.00 off the new month alone.
    assert subs.lines_of(invoice) == [
        ("Team", 16_000), ("Unused time on Pro", -3_000), ("Remaining time on Team", 8_000),
    ]  # fmt: skip
    assert await subs.paid(api) == [6_000, 21_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_it_is_gone_with_the_plan_that_it_was_for(api: Client, made: Made) -> None:
    product = (await api.get("/catalog/plans/pro/")).json()["product"]
    await discount(api, restrictions=[{"product": product, "plan": "pro"}])
    pro = await bought(api, made, discount_code="LAUNCH")
    yearly = await subs.updated(api, pro, period="YEARLY")
    assert await subs.paid(api) == [5_000, 45_000], "it is the same plan"
    monthly = await subs.updated(api, yearly)
    assert await subs.credit(api) == 45_000
    team = await subs.updated(api, monthly, "team")
    assert team["preview"]["recurringAmountUnits"] == 20_000
    pro = await subs.updated(api, team)
    assert pro["preview"]["recurringAmountUnits"] == 10_000
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_is_not_paid_is_not_redeemed(api: Client, made: Made) -> None:
    launch = await discount(api, redemptionLimit=1)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    with pytest.raises(AssertionError, match="Subscription not found"):
        await bought(api, made, discount_code="LAUNCH")
    assert await redemptions(api, launch) == 0
    await money.only_card(api, "ada")
    await bought(api, made, discount_code="LAUNCH")
    assert await redemptions(api, launch) == 1
    assert await subs.paid(api) == [5_000]
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_an_amount_that_was_agreed_on_is_paid_for_that_plan_and_period(api: Client, made: Made) -> None:
    pro = await bought(api, made, custom_amount=Decimal("77.70"))
    assert pro["amount"] == "77.70"
    await subs.advance(api, MAY)
    # Publishing a new price changes nothing of what was agreed on; it is that of a period that nothing was agreed for.
    charges = [catalog.charge(amount=120), catalog.charge("YEARLY", 1200)]
    await catalog.set_prices(api, "pro", catalog.price(catalog.entry(*charges)))
    await catalog.publish(api, updatePricing=True)
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [7_770] * 3
    yearly = await subs.updated(api, pro, period="YEARLY")
    assert (yearly["amount"], (await subs.paid(api))[-1]) == ("1200.00", 120_000 - 7_770)
    await money.books_balance(made)


async def test_a_plan_that_is_sold_by_agreement_is_renewed_at_what_was_agreed_on(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await catalog.plan(api, "enterprise")
    await catalog.set_prices(api, "enterprise", {"priceType": "CUSTOM", "currency": "USD"})
    await catalog.publish(api, "enterprise")
    await money.customer(api, billingAddress={"country": "DE"})
    await discount(api, percentage=10, cycles=2)
    terms = {"custom_amount": Decimal("5000"), "discount_code": "LAUNCH"}
    deal = await bought(api, made, "enterprise", ChargePeriod.THREE_MONTHS, **terms)
    assert (deal["amount"], deal["recurrenceUnit"]) == ("5000.00", 3)
    await subs.advance(api, "2031-10-01T00:00:00Z")
    assert await subs.paid(api) == [535_500, 535_500, 595_000]
    await money.books_balance(made)
