"""A team grows and shrinks: seats are bought in advance, and paid for as long as they are there."""

from typing import Any

import pytest

from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

# April has thirty days: half of it is left, and a tenth.
HALF, TENTH = "2031-04-16T00:00:00Z", "2031-04-28T00:00:00Z"


@pytest.fixture
async def seats(api: Client) -> dict[str, Any]:
    """The feature that is sold by its quantity: 12.00 a month on top of 20.00, from 2 to 100 of them."""
    await subs.freeze(api, "2031-04-01T00:00:00Z")
    feature = await catalog.feature(api, name="Seats")
    charge = catalog.charge(amount=12, advanced={"minQuantity": 2, "maxQuantity": 100})
    await sell(api, "team", 20, catalog.entry(charge, feature=feature["id"]), feature)
    await money.customer(api)
    return feature


async def sell(api: Client, identifier: str, base: int, entry: dict[str, Any], feature: dict[str, Any]) -> None:
    """Publish a plan that grants three seats unless some are bought."""
    await catalog.plan(api, identifier)
    await catalog.grant(api, identifier, (feature, {"value": 3}))
    await catalog.set_prices(api, identifier, catalog.price(catalog.entry(catalog.charge(amount=base)), entry))
    await catalog.publish(api, identifier)


def many(quantity: int) -> list[dict[str, Any]]:
    """Return so many seats."""
    return [{"identifier": "seats", "quantity": quantity}]


def immediate(record: dict[str, Any]) -> list[tuple[str, int]]:
    """Return what an update charged at once, line by line."""
    return [(line["description"], line["amountUnits"]) for line in record["preview"]["immediateLineItems"]]


@pytest.mark.usefixtures("seats")
async def test_a_team_grows_and_shrinks(api: Client, made: Made) -> None:
    eight = await subs.subscribed(api, "team", features=many(8))
    assert (eight["amount"], [each["value"] for each in eight["features"]]) == ("116.00", [8])
    await subs.advance(api, HALF)
    twelve = await subs.updated(api, eight, "team", features=many(12))
    assert immediate(twelve) == [
        ("Unused time on Team", -1_000), ("Unused time on Team: Seats", -4_800),
        ("Remaining time on Team", 1_000), ("Remaining time on Team: Seats", 7_200),
    ]  # fmt: skip
    assert (twelve["amount"], [each["value"] for each in twelve["features"]]) == ("164.00", [12])

    # Seven go with a tenth of the month left: what they would have cost pays part of May.
    await subs.advance(api, TENTH)
    five = await subs.updated(api, twelve, "team", features=many(5))
    assert (sum(units for _, units in immediate(five)), await subs.credit(api)) == (-840, 840)
    invoice = await subs.foretold(api, five)
    [base, seat] = invoice["lines"]
    assert (base["description"], base["amountUnits"]) == ("Team", 2_000)
    assert (seat["description"], seat["quantity"], seat["unitPrice"]) == ("Team: Seats", 5, 12)
    assert (seat["amountUnits"], invoice["amountDue"]) == (6_000, "71.60")
    # The order says how many were bought; webhooks, too.
    told = await subs.told(api, "subscription.created", "subscription.plan_changed", "subscription.updated")
    assert [data["object"]["features"] for _, data in told] == [many(8), many(12), many(5), many(5)]
    assert await subs.paid(api) == [11_600, 2_400, 7_160]
    await money.books_balance(made)


@pytest.mark.usefixtures("seats")
async def test_the_seats_there_are_stay_where_an_update_does_not_name_them(api: Client, made: Made) -> None:
    feature = (await api.get("/catalog/features/")).json()["results"][0]
    least = catalog.charge(amount=9, advanced={"minQuantity": 10})
    await sell(api, "company", 50, catalog.entry(least, feature=feature["id"]), feature)
    await subs.recurring(api, "alone", 10)
    five = await subs.subscribed(api, "team", features=many(5))
    await subs.advance(api, HALF)
    # As they were, in the same plan; at least ten, in the one that sells no fewer; none, in the one that sells none.
    same = await subs.updated(api, five, "team")
    assert same["id"] == five["id"]
    company = await subs.updated(api, five, "company")
    assert (company["amount"], company["features"][0]["value"]) == ("140.00", 10)
    alone = await subs.updated(api, company, "alone")
    assert (alone["amount"], alone["features"]) == ("10.00", [])
    # 80.00, then half of 140.00 for half of that; and 70.00 of credit less 5.00.
    assert await subs.paid(api) == [8_000, 3_000]
    assert await subs.credit(api) == 6_500
    await money.books_balance(made)


@pytest.mark.usefixtures("seats")
async def test_seats_that_are_cheaper_by_the_dozen(api: Client, made: Made) -> None:
    feature = (await api.get("/catalog/features/")).json()["results"][0]
    volume = catalog.entry(catalog.tiered((10, 15, 0), ("inf", 12, 0)), priceModel="VOLUME", feature=feature["id"])
    await sell(api, "crowd", 0, volume, feature)
    ten = await subs.subscribed(api, "crowd", features=many(10))
    assert ten["amount"] == "150.00"
    await subs.advance(api, HALF)
    # One more makes each of them cheaper: 75.00 are left of 150.00, and 66.00 is half of 132.00.
    eleven = await subs.updated(api, ten, "crowd", features=many(11))
    assert (eleven["amount"], await subs.credit(api)) == ("132.00", 900)
    await subs.foretold(api, eleven)
    assert await subs.paid(api) == [15_000, 12_300]
    await money.books_balance(made)


@pytest.mark.usefixtures("seats")
async def test_seats_that_are_charged_later_or_never(api: Client, made: Made) -> None:
    two = await subs.subscribed(api, "team")
    assert (two["amount"], two["features"][0]["value"]) == ("44.00", 2), "the least, where none are named"
    await subs.advance(api, HALF)
    three = await subs.updated(api, two, "team", features=many(3), prorationBehavior="PRORATE_NEXT_INVOICE")
    four = await subs.updated(api, three, "team", features=many(4), prorationBehavior="NO_PRORATION")
    # By its old name, which the clients still know.
    five = await subs.updated(api, four, "team", features=many(5), probationBehaviour="NO_PRORATION")
    assert await subs.paid(api) == [4_400]
    invoice = await subs.foretold(api, five)
    # 80.00 for May, and 6.00 for the third seat in the second half of April.
    assert invoice["amountDue"] == "86.00"
    await money.books_balance(made)


@pytest.mark.usefixtures("seats")
async def test_quantities_that_are_not_sold_are_refused(api: Client, made: Made) -> None:
    team = await subs.subscribed(api, "team", features=many(8))
    for features, field, fault in (
        (many(1), "quantity", "features[0].quantity: Ensure this value is greater than or equal to 2."),
        (many(101), "quantity", "features[0].quantity: Ensure this value is less than or equal to 100."),
        (
            [{"identifier": "chairs", "quantity": 4}], "identifier",
            "features[0].identifier: The plan does not sell this feature by its quantity.",
        ),
    ):  # fmt: skip
        assert await subs.refused_update(api, team, "team", features=features) == {"features": [{field: [fault]}]}
    assert await subs.paid(api) == [11_600]
    assert (await subs.shown(api, team))["status"] == "active"
    await money.books_balance(made)
