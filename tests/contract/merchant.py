"""A merchant with something to sell, once or month by month, and a buyer with a card, made by raw HTTP."""

from collections.abc import Sequence
from typing import Any

import httpx

VISA, DECLINED_LATER = "4242424242424242", "4000000000000341"


def merchant(url: str, key: str) -> httpx.Client:
    """Return who calls the API with a server key."""
    return httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30)


def sell_once(api: httpx.Client) -> None:
    """Publish the plan `lifetime`, which costs 49 dollars once."""
    _publish(api, "lifetime", {"ONE_TIME": 49})


def sell_monthly(api: httpx.Client) -> None:
    """Publish the plans `pro` and `team`, of 100 and 200 dollars a month, and `seated`, of 10 dollars for each seat.

    `pro` is sold by the year, too, and `tried` is a trial of two weeks. The clock stands at the first of April 2031.
    """
    api.post("/sandbox/clock/", json={"now": "2031-04-01T00:00:00Z"}).raise_for_status()
    details = {"featureSubType": "PRE_AGGREGATED_USAGE", "units": {"singular": "seat", "plural": "seats"}}
    feature = {"name": "Seats", "featureType": "METER", "featureDetails": details}
    seats = api.post("/catalog/features/", json=feature).raise_for_status().json()["id"]
    _publish(api, "pro", {"MONTHLY": 100, "YEARLY": 1000})
    _publish(api, "team", {"MONTHLY": 200})
    _publish(api, "seated", {"MONTHLY": 10}, feature=seats)
    _publish(api, "tried", {"MONTHLY": 100}, freeTrial=True, trialPeriod=14)


def _publish(
    api: httpx.Client,
    identifier: str,
    costs: dict[str, int],
    feature: str | None = None,
    granting: Sequence[tuple[dict[str, Any], dict[str, Any]]] = (),
    **fields: Any,
) -> None:
    body = {"name": identifier.title(), "taxCode": "saas"}
    product = api.post("/catalog/products/", json=body).raise_for_status().json()["id"]
    plan = {"name": identifier.title(), "identifier": identifier, "product": product}
    api.post("/catalog/plans/", json=plan).raise_for_status()
    entitlements = [] if feature is None else [{"feature": feature, "details": {"value": 3}}]
    for each, details in granting:
        made = api.post("/catalog/features/", json={"name": each["identifier"], **each}).raise_for_status().json()
        entitlements.append({"feature": made["id"], "details": details})
    if entitlements:
        path = f"/catalog/plans/{identifier}/features/"
        api.post(path, json={"planEntitlements": entitlements}).raise_for_status()
    charges = [{"chargePeriod": period, "priceData": {"amount": amount}} for period, amount in costs.items()]
    entry = {"priceModel": "FLAT", "charges": charges, "feature": feature}
    prices = [{"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [entry], **fields}]
    api.post(f"/catalog/plans/{identifier}/prices/bulk/", json={"prices": prices}).raise_for_status()
    api.post(f"/catalog/plans/{identifier}/publish/", json={}).raise_for_status()


def buyer(api: httpx.Client, customer_id: str, card: str = VISA) -> None:
    """Create a customer with a card."""
    body = {"customerId": customer_id, "name": "Ada", "email": f"{customer_id}@example.com"}
    api.post("/customers/", json={**body, "billingAddress": {"country": "HK"}}).raise_for_status()
    save_card(api, customer_id, card)


def save_card(api: httpx.Client, customer_id: str, card: str) -> None:
    """Let a customer pay with a card from now on."""
    api.post("/payment-methods/", json={"customerId": customer_id, "cardNumber": card}).raise_for_status()


def charge_of(customer_id: str) -> dict[str, Any]:
    """Return the body of a charge."""
    return {"planIdentifier": "lifetime", "chargePeriod": "ONE_TIME", "customerId": customer_id}


def sell_metered(api: httpx.Client) -> None:
    """Publish the plan `metered`: 100 calls each month, as many tokens as one likes, and two features that are fixed.

    The clock stands at the first of April 2031.
    """
    api.post("/sandbox/clock/", json={"now": "2031-04-01T00:00:00Z"}).raise_for_status()
    units = {"units": {"singular": "one", "plural": "many"}}
    counting = {"aggregation": {"function": "SUM", "field": "tokenCount"}, "filters": []}
    features: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"identifier": "sso", "featureType": "BOOLEAN"}, {"value": True}),
        ({"identifier": "projects", "featureType": "CUSTOMIZABLE"}, {"value": 7}),
        (
            {"identifier": "calls", "featureType": "METER",
             "featureDetails": {"featureSubType": "PRE_AGGREGATED_USAGE", **units}},
            {"value": 100, "reset": "EVERY_MONTH", "hardLimit": True},
        ),
        (
            {"identifier": "tokens", "featureType": "METER",
             "featureDetails": {"featureSubType": "RAW_EVENTS", **units}, "meter": counting},
            {"hasUnlimitedUsage": True, "reset": "EVERY_MONTH"},
        ),
    ]  # fmt: skip
    _publish(api, "metered", {"MONTHLY": 10}, granting=features)
