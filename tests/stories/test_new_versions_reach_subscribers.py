"""A plan is published anew: who has it keeps what they bought, or gets the new version with their next period."""

from typing import Any

import pytest

from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, HALF, MAY, JUNE, JULY = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01", "07-01"))
FEATURE = "/catalog/plans/pro/features/api-calls/"


@pytest.fixture
async def pro(api: Client) -> dict[str, Any]:
    """Ada's subscription to the first version: 1,000 calls for 100.00 a month, or 1,000.00 a year."""
    await subs.freeze(api, APRIL)
    calls = await catalog.feature(api)
    await catalog.plan(api)
    await catalog.grant(api, "pro", (calls, {"value": 1000}))
    await price_at(api, 100, 1000)
    await catalog.publish(api)
    await money.customer(api)
    return await subs.subscribed(api)


async def price_at(api: Client, monthly: int, yearly: int | None = None, **fields: Any) -> None:
    """Let the next version cost so much."""
    charges = [catalog.charge(amount=monthly)]
    charges += [] if yearly is None else [catalog.charge("YEARLY", yearly)]
    await catalog.set_prices(api, "pro", catalog.price(catalog.entry(*charges), **fields))


async def had(api: Client, record: dict[str, Any] | str) -> tuple[str, int]:
    """Return what a subscription costs, and how many calls it grants."""
    now = await subs.shown(api, record)
    return now["amount"], now["features"][0]["value"]


async def test_who_is_let_keep_what_they_bought_keeps_it(api: Client, made: Made, pro: dict[str, Any]) -> None:
    await price_at(api, 120, 1200)
    await api.patch(FEATURE, {"details": {"value": 5000}})
    await catalog.publish(api)
    await money.customer(api, customer_id="bob")
    new = await subs.subscribed(api, customer_id="bob")
    assert (await had(api, pro), await had(api, new)) == (("100.00", 1000), ("120.00", 5000))
    await subs.advance(api, MAY)
    assert (await had(api, pro), await had(api, new)) == (("100.00", 1000), ("120.00", 5000))
    # Another interval of the same plan is that of the version they have; for another plan, and back, is the new one.
    yearly = await subs.updated(api, pro, period="YEARLY")
    assert await had(api, yearly) == ("1000.00", 1000)
    await subs.recurring(api, "team", 200)
    team = await subs.updated(api, yearly, "team")
    back = await subs.updated(api, team)
    assert await had(api, back) == ("120.00", 5000)
    await money.books_balance(made)


async def test_a_new_price_is_paid_from_the_next_period_on(api: Client, made: Made, pro: dict[str, Any]) -> None:
    await subs.advance(api, HALF)
    await price_at(api, 120, 1200)
    await api.patch(FEATURE, {"details": {"value": 5000}})
    await catalog.publish(api, updatePricing=True)
    assert await had(api, pro) == ("100.00", 1000), "not before"
    await subs.advance(api, "2031-04-30T23:59:59Z")
    assert await had(api, pro) == ("100.00", 1000)
    await subs.advance(api, MAY)
    # The price alone was promised.
    assert await had(api, pro) == ("120.00", 1000)
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [10_000, 12_000, 12_000]
    told = [data for _, data in await subs.told(api, "subscription.updated")]
    assert [data["object"]["amount"] for data in told] == ["120.00", "120.00"]
    assert told[0]["previous_attributes"]["amount"] == "100.00"
    assert "amount" not in told[1]["previous_attributes"]
    assert [data["object"]["plan"]["version"] for data in told] == [1, 1]
    assert [order["plan"]["version"] for order in await subs.orders(api)] == [1, 1, 1]
    await money.books_balance(made)


async def test_new_features_are_had_from_the_next_period_on(api: Client, made: Made, pro: dict[str, Any]) -> None:
    await subs.advance(api, HALF)
    await price_at(api, 120, 1200)
    await api.patch(FEATURE, {"details": {"value": 5000}})
    await catalog.publish(api, updateFeatures=True)
    assert await had(api, pro) == ("100.00", 1000), "not before"
    await subs.advance(api, MAY)
    assert await had(api, pro) == ("100.00", 5000)
    [(_, data)] = await subs.told(api, "subscription.updated")
    assert (data["object"]["plan"]["version"], data["previous_attributes"]["plan"]["version"]) == (2, 1)
    await subs.advance(api, JUNE)
    assert await subs.paid(api) == [10_000] * 3
    # Orders say which version is had by them.
    assert [order["plan"]["version"] for order in await subs.orders(api)] == [1, 2, 2]
    await money.books_balance(made)


async def test_of_several_versions_each_brings_what_it_promised(api: Client, made: Made, pro: dict[str, Any]) -> None:
    for monthly, calls, promised in (
        (110, 2000, {"updatePricing": True, "updateFeatures": True}),
        (120, 3000, {"updatePricing": True}),
        (130, 4000, {"updateFeatures": True}),
        (140, 5000, {}),
    ):
        await price_at(api, monthly, monthly * 10)
        await api.patch(FEATURE, {"details": {"value": calls}})
        await catalog.publish(api, "pro", **promised)
    await subs.advance(api, MAY)
    assert await had(api, pro) == ("120.00", 4000)
    # The next promise is for those, too, who came by an earlier one.
    await price_at(api, 150, 1500)
    await catalog.publish(api, updatePricing=True)
    await subs.advance(api, JUNE)
    assert await had(api, pro) == ("150.00", 4000)
    await subs.advance(api, JULY)
    assert await subs.paid(api) == [10_000, 12_000, 15_000, 15_000]
    await money.books_balance(made)


async def test_a_period_that_is_sold_no_longer_stays_at_its_price(api: Client, made: Made, pro: dict[str, Any]) -> None:
    await money.customer(api, customer_id="bob")
    yearly = await subs.subscribed(api, period="YEARLY", customer_id="bob")
    await price_at(api, 120)
    await catalog.publish(api, updatePricing=True)
    await subs.advance(api, "2032-04-01T00:00:00Z")
    assert (await had(api, yearly), await had(api, pro)) == (("1000.00", 1000), ("120.00", 1000))
    assert sum(await subs.paid(api)) == 10_000 + 12 * 12_000 + 2 * 100_000
    await money.books_balance(made)


async def test_another_interval_begins_at_what_was_promised_meanwhile(
    api: Client, made: Made, pro: dict[str, Any]
) -> None:
    await price_at(api, 120, 1200)
    await api.patch(FEATURE, {"details": {"value": 5000}})
    await catalog.publish(api, updatePricing=True, updateFeatures=True)
    yearly = await subs.updated(api, pro, period="YEARLY")
    assert await had(api, yearly) == ("1200.00", 5000)
    assert await subs.paid(api) == [10_000, 110_000]
    await subs.foretold(api, yearly)
    await money.books_balance(made)


@pytest.mark.usefixtures("pro")
@pytest.mark.parametrize("is_ended", [True, False])
async def test_a_trial_ends_at_the_price_that_was_promised_meanwhile(api: Client, made: Made, is_ended: bool) -> None:
    await price_at(api, 100, freeTrial=True, trialPeriod=14)
    await catalog.publish(api)
    await money.customer(api, customer_id="bob")
    tried = await subs.subscribed(api, customer_id="bob")
    await price_at(api, 150)
    await catalog.publish(api, updatePricing=True)
    assert (await subs.shown(api, tried))["amount"] == "100.00"
    if is_ended:
        tried = await subs.updated(api, tried, trialEnd="now")
    else:
        await subs.advance(api, "2031-04-15T00:00:00Z")
    now = await subs.shown(api, tried)
    assert (now["status"], now["amount"]) == ("active", "150.00")
    assert await subs.paid(api) == [10_000, 0, 15_000]
    await money.books_balance(made)


async def test_a_change_just_before_is_charged_at_the_old_price_and_the_next_period_at_the_new_one(
    api: Client, made: Made
) -> None:
    await subs.freeze(api, APRIL)
    feature = await catalog.feature(api, name="Seats")

    async def sell(each: int, least: int, **promised: bool) -> None:
        charge = catalog.charge(amount=each, advanced={"minQuantity": least})
        await catalog.set_prices(api, "team", catalog.price(catalog.entry(charge, feature=feature["id"])))
        await catalog.publish(api, "team", **promised)

    await catalog.plan(api, "team")
    await sell(10, 1)
    await money.customer(api)
    two = await subs.subscribed(api, "team", features=[{"identifier": "seats", "quantity": 2}])
    await sell(12, 3, updatePricing=True)
    await subs.advance(api, HALF)
    # Still at 10.00 each, and fewer than the new version sells.
    one = await subs.updated(api, two, "team", features=[{"identifier": "seats", "quantity": 1}])
    assert (one["amount"], await subs.credit(api)) == ("10.00", 500)
    assert one["preview"]["recurringAmount"] == 36
    await subs.foretold(api, one)
    now = await subs.shown(api, one)
    assert (now["amount"], (await subs.invoices(api))[-1]["lines"][0]["quantity"]) == ("36.00", 3)
    told = [data["object"]["features"] for _, data in await subs.told(api, "subscription.updated")]
    assert told == [[{"identifier": "seats", "quantity": 3}]]
    assert await subs.paid(api) == [2_000, 3_100]
    # From three on one goes up by one.
    await subs.advance(api, JUNE)
    four = await subs.updated(api, one, "team", features=[{"identifier": "seats", "quantity": 4}])
    assert four["amount"] == "48.00"
    assert await subs.paid(api) == [2_000, 3_100, 3_600, 1_200]
    await money.books_balance(made)
