"""What tests of usage start from: meters that plans grant, reports, and what customers may do then; over HTTP alone."""

from datetime import UTC, datetime
from typing import Any

from tests.api import catalog, money, subscriptions
from tests.api.conftest import Client

# What is no METER has.
NOT_METERED = {"resetAt": None, "hardLimit": None, "usageLimit": None, "currentUsage": None, "remaining": None}


async def metered(api: Client, identifier: str = "pro", *, value: int | None = 10, **details: Any) -> dict[str, Any]:
    """Publish a monthly plan that grants a meter, and return the meter; without a value it is not limited."""
    found = (await api.get("/catalog/features/?search=calls")).json()["results"]
    meter = found[0] if found else await catalog.feature(api, identifier="calls", name="Calls")
    terms = {"value": value, "hasUnlimitedUsage": value is None, "hardLimit": True, "reset": "EVERY_MONTH", **details}
    await subscriptions.recurring(api, identifier, 20, granting=((meter, terms),))
    return meter


async def meter_of_events(api: Client, name: str, aggregation: dict[str, str], *filters: dict[str, Any]) -> Any:
    """Create a meter that counts raw events."""
    details = {"featureSubType": "RAW_EVENTS", "units": {"singular": "one", "plural": "many"}}
    meter = {"aggregation": aggregation, "filters": list(filters)}
    return await catalog.feature(api, name=name, identifier=name, featureDetails=details, meter=meter)


async def subscriber(api: Client, *plans: str, customer: str = "ada") -> list[dict[str, Any]]:
    """Let a customer subscribe to plans."""
    await money.customer(api, customer_id=customer)
    return [await subscriptions.subscribed(api, plan, customer_id=customer) for plan in plans]


async def report(api: Client, value: int, feature: str = "calls", **fields: Any) -> dict[str, Any]:
    """Report usage, and return the answer."""
    answer = await api.post("/report/usage/", body(value, feature, **fields))
    assert answer.status_code == 200, answer.text
    return answer.json()


def body(value: int, feature: str = "calls", **fields: Any) -> dict[str, Any]:
    """Return the body of a report."""
    return {"value": value, "customerId": "ada", "featureId": feature, "behaviour": "DELTA", **fields}


async def may(api: Client, customer: str = "ada", **query: str) -> list[dict[str, Any]]:
    """Return what a customer may do."""
    answer = await api.get("/entitlements/", params={"customer_id": customer, **query})
    assert answer.status_code == 200, answer.text
    assert answer.json()["customerId"] == customer
    return answer.json()["entitlements"]


async def counted(api: Client, feature: str = "calls") -> list[tuple[int | None, int, int | None]]:
    """Return limit, usage and what is left of each subscription that grants a meter."""
    return [
        (each["usageLimit"], each["currentUsage"], each["remaining"]) for each in await may(api, feature_id=feature)
    ]


def now() -> str:
    """Return the present instant as reports spell it."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
