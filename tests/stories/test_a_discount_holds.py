"""Somebody buys with a code on the hosted page: it holds for as many charges as it says, and counts once."""

from typing import Any

import pytest
from starlette.applications import Starlette

from tests.api import catalog, checkout, money
from tests.api import subscriptions as subs
from tests.api.buying import BUYER, CARD, Tab, at
from tests.api.conftest import Client
from tests.make import Made

FEBRUARY, AUGUST = "2031-02-28T09:30:00Z", "2031-08-31T09:30:00Z"
FULL = 11_900


@pytest.fixture
async def shop(api: Client) -> None:
    """A plan of 100.00 a month, with 19 % on top for who buys in Germany."""
    await subs.freeze(api)
    await subs.recurring(api)


async def code(api: Client, **fields: Any) -> dict[str, Any]:
    """Create the discount LAUNCH, of half the price unless told otherwise."""
    body = {"name": "Launch", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 50, **fields}
    return await catalog.made(api, "/discounts/", body)


async def at_page(app: Starlette, api: Client, buyer: str = "grace", **fields: Any) -> Tab:
    """Open a session and type in who buys, and with which code."""
    window = await at(app, await checkout.opened(api, **fields))
    await window.send("update", **{**BUYER, "email": f"{buyer}@example.com"}, discountCode="launch")
    return window


async def redeemed(api: Client, discount: dict[str, Any]) -> list[tuple[str, int]]:
    """Return which orders a discount was redeemed by, the oldest first, and how much that took off; it is counted."""
    path = f"/discounts/{discount['id']}/"
    page = (await api.get(f"{path}redemptions/")).json()
    assert (await api.get(path)).json()["redemptions"] == page["count"] == len(page["results"])
    return [(each["orderId"], each["amountUnits"]) for each in reversed(page["results"])]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("fields", "off", "paid"),
    [
        # 90.00 and 17.10.
        ({"percentage": 10}, 1_000, [10_710] * 8),
        # 66.67 and 12.67.
        ({"percentage": 33.3333, "cycles": 3}, 3_333, [7_934] * 3 + [FULL] * 5),
        # 50.00 and 9.50.
        ({"recurring": False}, 5_000, [5_950] + [FULL] * 7),
        # 69.99 and 13.30.
        ({"type": "FIXED_AMOUNT", "percentage": None, "currency": "USD", "amount": "30.01"}, 3_001, [8_329] * 8),
    ],
    ids=["for ever", "three cycles", "once", "an amount"],
)
async def test_a_code_holds_for_as_many_charges_as_it_says(
    app: Starlette, api: Client, made: Made, fields: dict[str, Any], off: int, paid: list[int]
) -> None:
    launch = await code(api, **fields)
    window = await at_page(app, api)
    assert f"-${off / 100:.2f}" in window.form.text
    assert f"Subscribe and pay ${paid[0] / 100:.2f}" in window.form.text
    await window.send("pay", **CARD)
    [order] = await subs.orders(api)
    assert await redeemed(api, launch) == [(order["id"], off)]
    # What was sold with it goes on having it, whatever becomes of the code.
    assert (await api.patch(f"/discounts/{launch['id']}/", {"enabled": False})).status_code == 200

    await subs.advance(api, AUGUST)
    assert await subs.paid(api) == paid
    assert await subs.asked(api) == [("success", units) for units in paid]
    assert await redeemed(api, launch) == [(order["id"], off)], "renewals redeem nothing"
    assert [each["isRenewal"] for each in await subs.orders(api)] == [False] + [True] * 7
    await money.books_balance(made)


@pytest.mark.usefixtures("shop")
async def test_the_cycles_of_a_code_begin_when_a_trial_ends(app: Starlette, api: Client, made: Made) -> None:
    launch = await code(api, cycles=2)
    window = await at_page(app, api, trialPeriod=14)
    await window.send("pay", **CARD)
    assert len(await redeemed(api, launch)) == 1
    await subs.advance(api, AUGUST)
    # From 14 February on: of seven charges two are half as dear.
    assert await subs.paid(api) == [0, 5_950, 5_950, *[FULL] * 5]
    assert len(await redeemed(api, launch)) == 1
    await money.books_balance(made)


@pytest.mark.usefixtures("shop")
async def test_a_code_that_may_be_redeemed_twice_is_refused_the_third_time(
    app: Starlette, api: Client, made: Made
) -> None:
    launch = await code(api, redemptionLimit=2, cycles=2)
    declined = await at_page(app, api, "eve")
    await declined.send("pay", **{**CARD, "card_number": money.DECLINED_LATER})
    assert await redeemed(api, launch) == [], "what is not paid is not redeemed"
    for buyer in ("grace", "ada"):
        await (await at_page(app, api, buyer)).send("pay", **CARD)
    refused = await declined.send("pay", **CARD)
    assert refused.invalid == ["discountCode"]
    assert "This discount code has been used as often as it can be." in refused.text
    assert len(await redeemed(api, launch)) == 2
    # Renewals of who has it are charged less all the same.
    await subs.advance(api, FEBRUARY)
    await subs.advance(api, "2031-03-31T09:30:00Z")
    assert await subs.paid(api) == [5_950] * 4 + [FULL] * 2
    assert len(await redeemed(api, launch)) == 2
    await money.books_balance(made)
