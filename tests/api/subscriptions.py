"""What tests of subscriptions start from: recurring plans, subscribers, and a clock that is moved; over HTTP alone."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from kelviq_server.platform.due import DueWorks, use_due_works
from kelviq_server.worker import due_works
from tests.api import catalog
from tests.api.conftest import Client
from tests.webhooks import deliver

JANUARY = "2031-01-31T09:30:00Z"
# What happens to subscriptions and to what they cost.
OF_MONEY = (
    "subscription.created", "subscription.updated", "subscription.cancelled", "subscription.plan_changed",
    "order.created", "order.updated", "invoice.created", "invoice.paid", "invoice.payment_failed",
)  # fmt: skip


async def recurring(
    api: Client, identifier: str = "pro", amount: Any = 100, *, yearly: Any = None, product_id: str | None = None,
    entries: tuple[dict[str, Any], ...] = (), periods: tuple[str, ...] = ("MONTHLY",),
    granting: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (), **fields: Any
) -> str:  # fmt: skip
    """Publish a plan that is charged each month, and each year if so much is named, and return its identifier."""
    await catalog.plan(api, identifier, product_id)
    charges = [catalog.charge(period, amount) for period in periods]
    charges += [catalog.charge("YEARLY", yearly)] if yearly is not None else []
    await catalog.set_prices(api, identifier, catalog.price(catalog.entry(*charges), *entries, **fields))
    if granting:
        await catalog.grant(api, identifier, *granting)
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


async def previewed(
    api: Client, subscription: dict[str, Any], plan: str = "pro", period: str = "MONTHLY", **fields: Any
) -> dict[str, Any]:
    """Return what an update would charge."""
    change = {"planIdentifier": plan, "chargePeriod": period, **fields}
    answer = await api.post(f"/subscriptions/{subscription['id']}/update/preview/", change)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def updated(
    api: Client, subscription: dict[str, Any], plan: str = "pro", period: str = "MONTHLY", **fields: Any
) -> dict[str, Any]:
    """Update a subscription, and return its record as it is shown, with the preview.

    Fails unless the preview changed nothing and the update charged what the preview said, line by line.
    """
    before = await _standing(api, subscription["customerId"])
    preview = await previewed(api, subscription, plan, period, **fields)
    assert await _standing(api, subscription["customerId"]) == before, "a preview changes nothing"
    change = {"planIdentifier": plan, "chargePeriod": period, **fields}
    answer = await api.post(f"/subscriptions/{subscription['id']}/update/", change)
    assert answer.status_code == 200, answer.text
    record = await shown(api, answer.json()["subscriptionId"])
    after = await _standing(api, subscription["customerId"])
    _assert_charged(preview, before, after, came_to_nothing=record["status"] == "incomplete_expired")
    return record | {"preview": preview}


async def refused_update(
    api: Client, subscription: dict[str, Any], plan: str = "pro", period: str = "MONTHLY", **fields: Any
) -> dict[str, Any]:
    """Return why a subscription is not updated: as the preview says, too."""
    change = {"planIdentifier": plan, "chargePeriod": period, **fields}
    path = f"/subscriptions/{subscription['id']}/update/"
    preview, answer = await api.post(path + "preview/", change), await api.post(path, change)
    assert (preview.status_code, answer.status_code) == (400, 400), answer.text
    assert preview.json() == answer.json()
    return answer.json()


async def foretold(api: Client, changed: dict[str, Any]) -> dict[str, Any]:
    """Move the clock to the next invoice that an update's preview foretold, and return that: it comes to just that."""
    told = changed["preview"]["nextInvoice"]
    before = {invoice["id"] for invoice in await invoices(api)}
    await advance(api, told["nextPaymentAttempt"])
    [invoice] = [invoice for invoice in await invoices(api) if invoice["id"] not in before]
    assert lines_of(invoice) == [(line["description"], line["amountUnits"]) for line in told["lineItems"]]
    assert Decimal(invoice["amountDue"]) == Decimal(str(told["amountDue"]))
    return invoice


async def cancelled(
    api: Client, subscription: dict[str, Any], type: str = "IMMEDIATE", on: str | None = None, **fields: Any
) -> dict[str, Any]:
    """Cancel a subscription, and return its record as it is shown."""
    if on is not None:
        fields["cancellationDate"] = on
    answer = await api.post(f"/subscriptions/{subscription['id']}/cancel/", {"cancellationType": type, **fields})
    assert answer.status_code == 200, answer.text
    return await shown(api, subscription)


async def refused_cancel(api: Client, subscription: dict[str, Any], type: str = "IMMEDIATE", **fields: Any) -> Any:
    """Return why a subscription is not cancelled."""
    answer = await api.post(f"/subscriptions/{subscription['id']}/cancel/", {"cancellationType": type, **fields})
    assert answer.status_code == 400, answer.text
    return answer.json()


async def listed(api: Client, **query: str) -> list[str]:
    """Return the ids of the subscriptions that a list shows, which is one page, and counts."""
    page = (await api.get("/subscriptions/", params={"page_size": "100", **query})).json()
    assert page["count"] == len(page["results"])
    return [each["id"] for each in page["results"]]


async def invoices(api: Client) -> list[dict[str, Any]]:
    """Return all issued invoices, the oldest first."""
    page = (await api.get("/invoices/?page_size=100")).json()
    assert page["count"] <= 100
    return list(reversed(page["results"]))


def lines_of(invoice: dict[str, Any]) -> list[tuple[str, int]]:
    """Return what an invoice is for, and what each line comes to with its tax."""
    return [(line["description"], line["totalUnits"]) for line in invoice["lines"]]


async def bills(api: Client) -> list[tuple[str, str, str]]:
    """Return of each invoice how it stands, what it comes to, and what of that credit did not pay."""
    return [(each["status"], each["amountTotal"], each["amountDue"]) for each in await invoices(api)]


async def asked(api: Client) -> list[tuple[str, int]]:
    """Return what the card was asked for, the oldest first: how that ended, and the amount in minor units."""
    page = (await api.get("/transaction/?page_size=100")).json()
    return [(each["status"], _units(each["amountTotal"])) for each in reversed(page["results"])]


async def credit(api: Client, customer_id: str = "ada") -> int:
    """Return a customer's credit, which is in one currency, in minor units."""
    results = (await api.get("/credits/", params={"customer_id": customer_id})).json()["results"]
    assert len(results) <= 1
    return results[0]["amountUnits"] if results else 0


async def heard(api: Client, *types: str) -> list[str]:
    """Return what the log says, the oldest first, as `subscription.updated: active`."""
    return [f"{kind}: {data['object']['status']}" for kind, data in await told(api, *types)]


async def _standing(api: Client, customer_id: str) -> tuple[list[dict[str, Any]], list[tuple[str, int]], int]:
    return await invoices(api), await asked(api), await credit(api, customer_id)


def _assert_charged(preview: dict[str, Any], before: Any, after: Any, *, came_to_nothing: bool) -> None:
    due, lines = preview["amountChargedImmediatelyUnits"], preview["immediateLineItems"]
    total = sum(line["amountUnits"] for line in lines)
    asked = [units for _, units in after[1][len(before[1]) :]]
    assert asked == ([due] if due else [])
    assert preview["creditAddedUnits"] == max(-total, 0)
    new = [invoice for invoice in after[0] if invoice["id"] not in {each["id"] for each in before[0]}]
    assert after[2] - before[2] == (0 if came_to_nothing else due - total)
    if came_to_nothing or not new:
        assert (new, after[2]) == ([], before[2])
        return
    [invoice] = new
    assert lines_of(invoice) == [(line["description"], line["amountUnits"]) for line in lines]
    assert _units(invoice["amountDue"]) == due


def _units(amount: Any) -> int:
    return int(Decimal(str(amount)) * 100)


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
