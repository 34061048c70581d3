"""What a customer may do follows from what they have bought, at once, and until it ends."""

from typing import Any

from starlette.applications import Starlette

from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client, client_for
from tests.make import Made

JANUARY = "2031-01-31T09:30:00Z"


def shown(found: list[dict[str, Any]]) -> list[tuple[str, str, bool, Any]]:
    return [(each["featureId"], each["featureType"], each["hasAccess"], each["usageLimit"]) for each in found]


async def test_each_kind_of_feature_is_shown_as_the_plan_grants_it(api: Client, app: Starlette, made: Made) -> None:
    await subs.freeze(api, JANUARY)
    on = await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    off = await catalog.feature(api, "BOOLEAN", identifier="logo", name="Logo")
    number = await catalog.feature(api, "CUSTOMIZABLE", identifier="projects", name="Projects")
    calls = await catalog.feature(api, identifier="calls", name="Calls")
    terms = {"value": 1000, "reset": "EVERY_MONTH", "hardLimit": True}
    granting = ((on, {"value": True}), (number, {"value": 25}), (off, {"value": False}), (calls, terms))
    await subs.recurring(api, granting=granting)
    await usage.subscriber(api, "pro")
    assert await usage.may(api) == [
        {"featureId": "sso", "featureType": "BOOLEAN", "hasAccess": True, **usage.NOT_METERED},
        {"featureId": "projects", "featureType": "CUSTOMIZABLE", "hasAccess": True, **usage.NOT_METERED,
         "usageLimit": 25, "remaining": 25},
        {"featureId": "logo", "featureType": "BOOLEAN", "hasAccess": False, **usage.NOT_METERED},
        {"featureId": "calls", "featureType": "METER", "hasAccess": True, "resetAt": "2031-02-28 09:30:00",
         "hardLimit": True, "usageLimit": 1000, "currentUsage": 0, "remaining": 1000},
    ]  # fmt: skip
    assert shown(await usage.may(api, feature_id="sso")) == [("sso", "BOOLEAN", True, None)]
    # A client's key may look, under either spelling.
    browser = client_for(app, made.keys.sandbox.client.plain)
    answer = await browser.get("/entitlements/", params={"customerId": "ada", "featureId": "projects"})
    assert shown(answer.json()["entitlements"]) == [("projects", "CUSTOMIZABLE", True, 25)]


async def test_who_is_not_known_may_do_nothing(api: Client, app: Starlette, made: Made) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    assert await usage.may(api, "nobody") == []
    other = client_for(app, made.keys.production.server.plain)
    assert (await other.get("/entitlements/?customer_id=ada")).json() == {"customerId": "ada", "entitlements": []}
    answer = await api.get("/entitlements/")
    assert (answer.status_code, answer.json()) == (400, {"customer_id": ["This field is required."]})


async def test_a_hard_limit_ends_access_and_a_soft_one_does_not(api: Client) -> None:
    await usage.metered(api, hardLimit=False)
    await usage.subscriber(api, "pro")
    await usage.report(api, 12)
    [soft] = await usage.may(api)
    assert (soft["hasAccess"], soft["remaining"]) == (True, -2)
    await usage.metered(api, "hard")
    await usage.subscriber(api, "hard", customer="bob")
    await usage.report(api, 12, customerId="bob")
    [hard] = await usage.may(api, "bob")
    assert (hard["hasAccess"], hard["remaining"]) == (False, -2)


async def test_an_answer_that_is_known_is_not_sent_again(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    first = await api.get("/entitlements/?customer_id=ada")
    tag = first.headers["etag"]
    again = await api.http.get(first.url, headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    await usage.report(api, 1)
    changed = await api.http.get(first.url, headers={"If-None-Match": tag})
    assert (changed.status_code, changed.json()["entitlements"][0]["currentUsage"]) == (200, 1)


async def test_a_change_of_plan_keeps_what_was_used_and_applies_new_limits_at_once(api: Client) -> None:
    await usage.metered(api)
    await usage.metered(api, "large", value=100)
    await usage.metered(api, "small", value=5)
    [pro] = await usage.subscriber(api, "pro")
    await usage.report(api, 8)
    large = await subs.updated(api, pro, "large")
    assert await usage.counted(api) == [(100, 8, 92)]
    await usage.report(api, 2)
    small = await subs.updated(api, large, "small")
    assert await usage.counted(api) == [(5, 10, -5)]
    await subs.cancelled(api, small)
    assert await usage.may(api) == []


async def test_what_is_bought_by_its_quantity_is_the_limit(api: Client) -> None:
    seats = await catalog.feature(api, identifier="calls", name="Seats")
    entry = catalog.entry(catalog.charge(amount=5), feature=seats["id"], paymentType="ADVANCE_COMMITMENT")
    await subs.recurring(api, entries=(entry,))
    await money.customer(api)
    bought = await subs.subscribed(api, features=[{"identifier": "calls", "quantity": 3}])
    await usage.report(api, 2, behaviour="SET")
    assert await usage.counted(api) == [(3, 2, 1)]
    await subs.updated(api, bought, features=[{"identifier": "calls", "quantity": 7}])
    assert await usage.counted(api) == [(7, 2, 5)]


async def test_a_meter_begins_again_with_what_is_carried_over(api: Client) -> None:
    await subs.freeze(api, JANUARY)
    credits = await catalog.feature(api, identifier="calls", name="Credits")
    entry = catalog.entry(
        catalog.charge(amount=1), feature=credits["id"], paymentType="ADVANCE_COMMITMENT", reset="EVERY_MONTH",
        resetTime="SUBSCRIPTION_START", rollover={"enabled": True, "percentage": 50, "limit": 750},
    )  # fmt: skip
    await subs.recurring(api, entries=(entry,))
    await money.customer(api)
    await subs.subscribed(api, features=[{"identifier": "calls", "quantity": 10_000}])
    await usage.report(api, 8_000)
    # As the guide has it: half of 2,000 is 1,000, of which 750 are carried.
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await usage.counted(api) == [(10_750, 0, 10_750)]
    await usage.report(api, 10_000)
    await subs.advance(api, "2031-03-31T09:29:59Z")
    assert await usage.counted(api) == [(10_750, 10_000, 750)]
    # Of two months in which nobody did anything, each carries what it has left.
    await subs.advance(api, "2031-05-31T09:30:00Z")
    assert await usage.counted(api) == [(10_750, 0, 10_750)]
    assert (await usage.may(api))[0]["resetAt"] == "2031-06-30 09:30:00"


async def test_usage_is_drawn_from_what_begins_again_soonest(api: Client) -> None:
    await usage.metered(api)
    await usage.metered(api, "daily", value=5, reset="EVERY_DAY")
    await usage.subscriber(api, "pro", "daily")
    await usage.report(api, 7)
    assert await usage.counted(api) == [(10, 2, 8), (5, 5, 0)]
    await usage.report(api, 20)
    # What none has room for is drawn from the last.
    assert await usage.counted(api) == [(10, 22, -12), (5, 5, 0)]
    await usage.report(api, -24)
    assert await usage.counted(api) == [(10, 0, 10), (5, 3, 2)]


async def test_what_nothing_grants_is_counted_and_shows_once_something_does(api: Client) -> None:
    await usage.metered(api)
    await money.customer(api)
    await usage.report(api, 4)
    assert await usage.may(api) == []
    bought = await subs.subscribed(api)
    assert await usage.counted(api) == [(10, 4, 6)]
    await subs.cancelled(api, bought)
    await usage.report(api, 2)
    await subs.subscribed(api)
    assert await usage.counted(api) == [(10, 2, 8)]


async def test_access_lasts_while_a_payment_is_owed_and_until_the_end(api: Client) -> None:
    await subs.freeze(api, JANUARY)
    await usage.metered(api)
    await money.customer(api, money.DECLINED_LATER)
    await catalog.made(api, "/payment-methods/", {"customerId": "ada", "cardNumber": money.VISA, "default": True})
    [bought] = [await subs.subscribed(api)]
    await subs.cancelled(api, bought, "CURRENT_PERIOD_ENDS")
    await subs.advance(api, "2031-02-28T09:29:59Z")
    assert len(await usage.may(api)) == 1
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await usage.may(api) == []
