"""A merchant with something to sell once, and a buyer with a card, made by raw HTTP."""

from typing import Any

import httpx

VISA, DECLINED_LATER = "4242424242424242", "4000000000000341"


def merchant(url: str, key: str) -> httpx.Client:
    """Return who calls the API with a server key."""
    return httpx.Client(base_url=f"{url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30)


def sell_once(api: httpx.Client) -> None:
    """Publish the plan `lifetime`, which costs 49 dollars once."""
    product = api.post("/catalog/products/", json={"name": "Suite", "taxCode": "saas"}).raise_for_status().json()["id"]
    plan = {"name": "Lifetime", "identifier": "lifetime", "product": product}
    api.post("/catalog/plans/", json=plan).raise_for_status()
    charge = {"chargePeriod": "ONE_TIME", "priceData": {"amount": 49}}
    entry = {"priceModel": "FLAT", "charges": [charge]}
    prices = [{"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [entry]}]
    api.post("/catalog/plans/lifetime/prices/bulk/", json={"prices": prices}).raise_for_status()
    api.post("/catalog/plans/lifetime/publish/", json={}).raise_for_status()


def sell_monthly(api: httpx.Client) -> None:
    """Publish the plan `pro`, which costs 49 dollars a month."""
    product = api.post("/catalog/products/", json={"name": "Suite", "taxCode": "saas"}).raise_for_status().json()["id"]
    plan = {"name": "Pro", "identifier": "pro", "product": product}
    api.post("/catalog/plans/", json=plan).raise_for_status()
    charges = [{"chargePeriod": "MONTHLY", "priceData": {"amount": 49}}]
    prices = [{"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [{"charges": charges}]}]
    api.post("/catalog/plans/pro/prices/bulk/", json={"prices": prices}).raise_for_status()
    api.post("/catalog/plans/pro/publish/", json={}).raise_for_status()


def buyer(api: httpx.Client, customer_id: str, card: str = VISA) -> None:
    """Create a customer with a card."""
    body = {"customerId": customer_id, "name": "Ada", "email": f"{customer_id}@example.com"}
    api.post("/customers/", json={**body, "billingAddress": {"country": "HK"}}).raise_for_status()
    api.post("/payment-methods/", json={"customerId": customer_id, "cardNumber": card}).raise_for_status()


def charge_of(customer_id: str) -> dict[str, Any]:
    """Return the body of a charge."""
    return {"planIdentifier": "lifetime", "chargePeriod": "ONE_TIME", "customerId": customer_id}
