"""What tests of the catalog start from: products, features and plans, made through the API."""

from typing import Any

from tests.api.conftest import Client

METER_DETAILS = {"featureSubType": "PRE_AGGREGATED_USAGE", "units": {"singular": "unit", "plural": "units"}}


async def made(api: Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await api.post(path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def product(api: Client, **fields: Any) -> dict[str, Any]:
    return await made(api, "/catalog/products/", {"name": "Suite", "taxCode": "saas", **fields})


async def feature(api: Client, kind: str = "METER", **fields: Any) -> dict[str, Any]:
    details = {"featureDetails": METER_DETAILS} if kind == "METER" else {}
    return await made(api, "/catalog/features/", {"name": "API Calls", "featureType": kind, **details, **fields})


async def plan(api: Client, identifier: str = "pro", product_id: str | None = None, **fields: Any) -> dict[str, Any]:
    product_id = product_id or (await product(api))["id"]
    body = {"name": identifier.title(), "identifier": identifier, "product": product_id, **fields}
    return await made(api, "/catalog/plans/", body)


def charge(period: str = "MONTHLY", amount: Any = 49, **fields: Any) -> dict[str, Any]:
    return {"chargePeriod": period, "priceData": {"amount": amount}, **fields}


def tiered(*tiers: tuple[Any, Any, Any], period: str = "MONTHLY") -> dict[str, Any]:
    """Return a charge with tiers of (upTo, unitAmount, flatAmount)."""
    names = ("upTo", "unitAmount", "flatAmount")
    return {"chargePeriod": period, "tiers": [dict(zip(names, tier, strict=True)) for tier in tiers]}


def entry(*charges: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"priceModel": "FLAT", "charges": list(charges) or [charge()], **fields}


def price(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": list(entries) or [entry()], **fields}


async def set_prices(api: Client, identifier: str, *prices: dict[str, Any]) -> list[dict[str, Any]]:
    answer = await api.post(f"/catalog/plans/{identifier}/prices/bulk/", {"prices": list(prices) or [price()]})
    assert answer.status_code == 200, answer.text
    return answer.json()["prices"]


async def publish(api: Client, identifier: str = "pro", **body: Any) -> None:
    answer = await api.post(f"/catalog/plans/{identifier}/publish/", body)
    assert (answer.status_code, answer.json()) == (200, {"status": "published"})


async def grant(api: Client, identifier: str, *entitlements: tuple[dict[str, Any], dict[str, Any]]) -> dict[str, Any]:
    entries = [{"feature": feature["id"], "details": details} for feature, details in entitlements]
    return await made(api, f"/catalog/plans/{identifier}/features/", {"planEntitlements": entries})


async def granted(api: Client, identifier: str, **query: Any) -> dict[str, dict[str, Any]]:
    """Return what a plan grants, by the feature's identifier."""
    answer = await api.get(f"/catalog/plans/{identifier}/features/", params=query)
    return {each["feature"]["identifier"]: each["details"] for each in answer.json()["results"]}
