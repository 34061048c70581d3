"""What tests of subscriptions start from: recurring plans, subscribers, and a clock that is moved; over HTTP alone."""

from datetime import datetime, timedelta
from typing import Any

from kelviq_server.platform.due import DueWorks, use_due_works
from kelviq_server.worker import due_works
from tests.api import catalog, money
from tests.api.conftest import Client
from tests.webhooks import deliver

JANUARY = "2031-01-31T09:30:00Z"


async def recurring(
    api: Client, identifier: str = "pro", amount: Any = 100, *, yearly: Any = None, product_id: str | None = None,
    entries: tuple[dict[str, Any], ...] = (), periods: tuple[str, ...] = ("MONTHLY",), **fields: Any
) -> str:  # fmt: skip
    """Publish a plan that is charged each month, and each year if so much is named, and return its identifier."""
    await catalog.plan(api, identifier, product_id)
    charges = [catalog.charge(period, amount) for period in periods]
    charges += [catalog.charge("YEARLY", yearly)] if yearly is not None else []
    await catalog.set_prices(api, identifier, catalog.price(catalog.entry(*charges), *entries, **fields))
    await catalog.publish(api, identifier)
    return identifier


async def freeze(api: Client, at: str = JANUARY) -> None:
    """Let the sandbox's clock stand still at an instant."""
    answer = await api.post("/sandbox/clock/", {"now": at})
    assert answer.status_code == 200, answer.text


async def advance(api: Client, to: str) -> dict[str, Any]:
    """Move the sandbox's clock, by way of all that falls due, and return the clock."""
    # Patient, since no worker would carry on where a caller's patience ends.
    use_due_works(DueWorks(due_works(), timedelta(minutes=1)))
    answer = await api.post("/sandbox/clock/", {"now": to})
    assert (answer.status_code, answer.json()["status"]) == (200, "FROZEN"), answer.text
    return answer.json()


def body(plan: str = "pro", period: str = "MONTHLY", customer_id: str = "ada", **fields: Any) -> dict[str, Any]:
    """Return the body of a subscription."""
    return {"planIdentifier": plan, "chargePeriod": period, "customerId": customer_id, **fields}


async def subscribed(api: Client, plan: str = "pro", period: str = "MONTHLY", **fields: Any) -> dict[str, Any]:
    """Subscribe a customer, and return the answer."""
    return await catalog.made(api, "/subscriptions/create/", body(plan, period, **fields))


async def shown(api: Client, subscription: dict[str, Any] | str) -> dict[str, Any]:
    """Return a record as it is shown."""
    id = subscription if isinstance(subscription, str) else subscription["id"]
    answer = await api.get(f"/subscriptions/{id}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def updated(
    api: Client, subscription: dict[str, Any], plan: str = "pro", period: str = "MONTHLY", **fields: Any
) -> dict[str, Any]:
    """Update a subscription, and return its record as it is shown; the preview said what it would charge."""
    change = {"planIdentifier": plan, "chargePeriod": period, **fields}
    preview = await api.post(f"/subscriptions/{subscription['id']}/update/preview/", change)
    assert preview.status_code == 200, preview.text
    answer = await api.post(f"/subscriptions/{subscription['id']}/update/", change)
    assert answer.status_code == 200, answer.text
    return await shown(api, answer.json()["subscriptionId"]) | {"preview": preview.json()}


async def orders(api: Client) -> list[dict[str, Any]]:
    """Return all orders, the oldest first."""
    page = (await api.get("/orders/?page_size=100")).json()
    return list(reversed(page["results"]))


async def paid(api: Client) -> list[int]:
    """Return what the card paid for each order, in minor units, the oldest first."""
    return [
        order["amountTotalUnits"] - order["amountCreditUnits"]
        for order in await orders(api)
        if order["status"] == "COMPLETE"
    ]


async def told(api: Client, *types: str) -> list[tuple[str, dict[str, Any]]]:
    """Return what the log says, the oldest first: the type of each event and what it is about."""
    await deliver()
    events: list[dict[str, Any]] = []
    after = ""
    while True:
        page = (await api.get(f"/webhook/events/?page_size=100{after}")).json()["results"]
        events += page
        if len(page) < 100:
            break
        after = f"&after={page[-1]['id']}"
    return [(event["type"], event["data"]) for event in events if not types or event["type"] in types]


def instant(text: str) -> datetime:
    """Return an instant of an answer."""
    return datetime.fromisoformat(text)


__all__ = ["JANUARY", "advance", "body", "freeze", "money", "orders", "paid", "recurring", "shown", "subscribed"]
