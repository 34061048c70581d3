"""A request about a subscription that bears an Idempotency-Key may die and be sent again: it is done once.

Purchases and updates die at every statement in `tests/db/test_subscriptions_survive_crashes.py`, here at some.
"""

from typing import Any
from uuid import UUID

from kelviq_server.platform.database import Tenant
from kelviq_server.subscriptions.life.records import Subscription
from tests import money, subscriptions
from tests.api.conftest import Client
from tests.api.test_charges_sent_again import answers_after_death
from tests.make import Made
from tests.subscriptions import MONTHLY


async def subscriber(tenant: Tenant, plan: str) -> tuple[str, Subscription]:
    """Return somebody who subscribed, and their subscription."""
    customer = await money.customer(tenant)
    return customer, await subscriptions.subscribe(tenant, plan, customer)


async def test_a_purchase_that_died_and_is_sent_again_is_made_once(api: Client, made: Made) -> None:
    plan = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    at, died = 0, True
    while died:
        at += 4
        customer = await money.customer(made.sandbox)
        body = {"planIdentifier": plan, "chargePeriod": "MONTHLY", "customerId": customer}
        died, answer = await answers_after_death(api, at, "/subscriptions/create/", body)
        assert answer.status_code == 201, answer.text
        story = await subscriptions.story(made.sandbox, customer)
        assert (story.statuses, story.money.gateway) == (["active"], [("succeeded", 2800, 0)]), at
    assert at > 40
    await money.assert_books_right(made.sandbox)


async def test_an_update_that_died_and_is_sent_again_is_made_once(api: Client, made: Made) -> None:
    small = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    large = await subscriptions.plan(made.sandbox, (MONTHLY, 8400))
    at, died = 0, True
    while died:
        at += 4
        customer, subscription = await subscriber(made.sandbox, small)
        body = {"planIdentifier": large, "chargePeriod": "MONTHLY"}
        died, answer = await answers_after_death(api, at, f"/subscriptions/{subscription.id}/update/", body)
        assert answer.status_code == 200, answer.text
        story = await subscriptions.story(made.sandbox, customer)
        assert story.statuses == ["superseded", "active"], at
        current = await subscriptions.read(made.sandbox, UUID(answer.json()["subscriptionId"]))
        assert current.status == "active"
        assert len(story.money.gateway) == 2
    assert at > 40
    await money.assert_books_right(made.sandbox)


async def test_a_cancellation_that_died_and_is_sent_again_is_made_once(api: Client, made: Made) -> None:
    plan = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    ways: list[dict[str, Any]] = [
        {"cancellationType": "IMMEDIATE", "cancellationFeedback": "UNUSED"},
        {"cancellationType": "CURRENT_PERIOD_ENDS", "cancellationComment": "Adieu."},
    ]
    for way in ways:
        at, died = 0, True
        while died:
            at += 1
            customer, subscription = await subscriber(made.sandbox, plan)
            died, answer = await answers_after_death(api, at, f"/subscriptions/{subscription.id}/cancel/", way)
            assert answer.status_code == 200, answer.text
            told = (await subscriptions.story(made.sandbox, customer)).told
            assert told.get("subscription.cancelled", 0) + told.get("subscription.updated", 0) == 1, at
        assert at > 12
    await money.assert_books_right(made.sandbox)


async def test_a_cancellation_that_is_asked_for_anew_is_refused(api: Client, made: Made) -> None:
    """Only who sends the same request again is told that it is done."""
    plan = await subscriptions.plan(made.sandbox, (MONTHLY, 2800))
    _, subscription = await subscriber(made.sandbox, plan)
    body = {"cancellationType": "IMMEDIATE"}
    for key, status in (("one", 200), ("two", 400)):
        answer = await api.post(f"/subscriptions/{subscription.id}/cancel/", body, headers={"Idempotency-Key": key})
        assert answer.status_code == status, answer.text
    assert (await api.post(f"/subscriptions/{subscription.id}/cancel/", body)).status_code == 400
