"""On the hosted page an amount that was agreed on buys what it was agreed on for, and nothing else."""

from typing import Any

import pytest
from starlette.applications import Starlette

from kelviq_server.platform.database import transaction
from tests.api import catalog, checkout, subscriptions
from tests.api.buying import BUYER, CARD, at, orders
from tests.api.conftest import Client
from tests.make import Made

AGREED: dict[str, Any] = {"customAmount": 349, "currencyCode": "USD", "taxBehavior": "INCLUSIVE"}


async def offered(api: Client) -> None:
    """Sell `pro` with seats, by the month, and of the same product `max`, with many more, and `secret`, unseen."""
    product = (await catalog.product(api))["id"]
    seats = await catalog.feature(api, name="Seats", identifier="seats")
    per_seat = catalog.entry(catalog.charge("MONTHLY", 10, minQuantity=1, maxQuantity=20), feature=seats["id"])
    await subscriptions.recurring(api, product_id=product, entries=(per_seat,), granting=((seats, {"value": 1}),))
    await subscriptions.recurring(api, "max", 5000, product_id=product)
    await subscriptions.recurring(api, "secret", 1, product_id=product)
    answer = await api.patch("/catalog/plans/secret/", {"isVisible": False})
    assert answer.status_code == 200, answer.text
    await catalog.publish(api, "secret")


async def bought(api: Client, id: str) -> tuple[str, list[int]]:
    """Return the plan that came of a session, and how many of what it grants."""
    subscription = await subscriptions.shown(api, (await checkout.shown(api, id))["subscription"]["id"])
    return subscription["plan"]["identifier"], [each["value"] for each in subscription["features"]]


@pytest.mark.parametrize("is_earlier", [False, True])
async def test_no_other_plan_is_bought_for_the_amount_that_was_agreed_for_one(
    app: Starlette, api: Client, made: Made, is_earlier: bool
) -> None:
    await offered(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api, **AGREED)
    if is_earlier:
        async with transaction(made.sandbox) as tx:
            # As a version wrote it that did not note which plan a session was opened with.
            await tx.execute(
                "UPDATE checkout_sessions SET options = (options::jsonb - 'plan')::json WHERE id = %s", (id,)
            )
    window = await at(app, id)
    assert window.form.fields["plan"] == "pro"
    await window.pay(**BUYER, plan="max", **CARD)
    assert (await bought(api, id))[0] == "pro"
    await subscriptions.advance(api, "2031-02-28T10:30:00Z")
    assert await orders(api) == [("COMPLETE", "349.00"), ("COMPLETE", "349.00")]


async def test_no_more_is_bought_for_an_amount_than_it_was_agreed_for(app: Starlette, api: Client) -> None:
    await offered(api)
    await subscriptions.freeze(api)
    id = await checkout.opened(api, **AGREED, features=[{"identifier": "seats", "quantity": 5}])
    window = await at(app, id)
    assert "quantity.seats" not in window.form.fields
    assert "Seats Quantity 5" in window.form.text
    page = await window.pay(**BUYER, **{"quantity.seats": "20"}, **CARD)
    assert "Quantity 20" not in page.text
    assert await bought(api, id) == ("pro", [5])
    await subscriptions.advance(api, "2031-02-28T10:30:00Z")
    assert await orders(api) == [("COMPLETE", "349.00"), ("COMPLETE", "349.00")]
    assert await bought(api, id) == ("pro", [5])


@pytest.mark.parametrize(
    ("fields", "plan", "paid"), [({}, "secret", "pro"), ({"plansEnabled": "pro"}, "max", "pro"), ({}, "max", "max")]
)
async def test_a_page_sells_the_plans_that_it_offers(
    app: Starlette, api: Client, fields: dict[str, Any], plan: str, paid: str
) -> None:
    await offered(api)
    id = await checkout.opened(api, **fields)
    window = await at(app, id)
    await window.pay(**BUYER, plan=plan, **CARD)
    assert (await bought(api, id))[0] == paid


async def test_an_unseen_plan_that_a_session_was_opened_with_can_be_chosen_again(app: Starlette, api: Client) -> None:
    await offered(api)
    id = await checkout.opened(api, "secret")
    window = await at(app, id)
    await window.send("update", plan="pro")
    assert sorted(window.form.choices["plan"]) == ["max", "pro", "secret"]
    await window.pay(**BUYER, plan="secret", **CARD)
    assert (await bought(api, id))[0] == "secret"


async def test_a_trial_of_the_sellers_is_for_the_plan_that_it_was_given_for(app: Starlette, api: Client) -> None:
    await offered(api)
    product = (await api.get("/catalog/plans/pro/")).json()["product"]
    week = {"freeTrial": True, "trialPeriod": 7}
    await subscriptions.recurring(api, "lite", 10, product_id=product, **week)
    window = await at(app, await checkout.opened(api, trialPeriod=60))
    assert "free for 60 days" in window.form.text
    assert "Subscribe and pay $5,000.00" in (await window.send("update", plan="max")).text
    assert "free for 7 days" in (await window.send("update", plan="lite")).text
    assert "free for 60 days" in (await window.send("update", plan="pro")).text
