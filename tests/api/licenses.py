"""What tests of licences start from: plans that come with a key, and customers who bought one."""

from typing import Any

from tests.api import catalog, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client

THREE_FOR_A_YEAR = {
    "enabled": True, "activationLimit": 3, "activationLimitEnabled": True, "hasExpiry": True, "durationUnit": "YEAR",
    "durationValue": 1,
}  # fmt: skip
UNLIMITED = {"enabled": True}


async def once(api: Client, identifier: str = "lifetime", license: Any = None) -> str:
    """Publish a plan that is bought once and comes with a key, and return its identifier."""
    await catalog.plan(api, identifier, license=license or THREE_FOR_A_YEAR)
    await catalog.set_prices(api, identifier, catalog.price(catalog.entry(catalog.charge("ONE_TIME", 49))))
    await catalog.publish(api, identifier)
    return identifier


async def monthly(
    api: Client, identifier: str = "pro", license: Any = None, product_id: str | None = None, amount: int = 100
) -> str:
    """Publish a plan that is charged each month and comes with a key, and return its identifier."""
    await catalog.plan(api, identifier, product_id, license=license or UNLIMITED)
    await catalog.set_prices(api, identifier, catalog.price(catalog.entry(catalog.charge("MONTHLY", amount))))
    await catalog.publish(api, identifier)
    return identifier


async def bought(api: Client, license: Any = None) -> dict[str, Any]:
    """Let Ada buy a plan once that comes with a key, while the clock stands still; return the licence."""
    await subs.freeze(api)
    await once(api, license=license)
    await money.customer(api, email="ada@example.com")
    [issued] = (await money.charged(api))["license"]
    return issued


async def activate(api: Client, license: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Activate a licence on another machine, and return the answer."""
    return await catalog.made(api, "/license/activate/", {"licenseKey": license["licenseKey"], **fields})


async def validate(api: Client, license: dict[str, Any], instance: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return what is said of a key, on a machine if one is named."""
    body = {"licenseKey": license["licenseKey"]} | ({"instanceId": instance["instanceId"]} if instance else {})
    answer = await api.post("/license/validate/", body)
    assert answer.status_code in (200, 404), answer.text
    assert answer.json()["valid"] is (answer.json()["code"] == "VALID")
    return answer.json()


async def code(api: Client, license: dict[str, Any], instance: dict[str, Any] | None = None) -> str:
    """Return the word for what is said of a key."""
    return (await validate(api, license, instance))["code"]


async def refused(api: Client, path: str, body: dict[str, Any]) -> tuple[int, Any]:
    """Return how something is refused."""
    answer = await api.post(path, body)
    assert answer.status_code >= 400, answer.text
    return answer.status_code, answer.json()


async def shown(api: Client, license: dict[str, Any]) -> dict[str, Any]:
    """Return a licence as the merchant sees it."""
    answer = await api.get(f"/licenses/{license['id']}/")
    assert answer.status_code == 200, answer.text
    return answer.json()
