"""What tests of money start from: plans that are bought once, customers with a card, and charges of them."""

from typing import Any

from kelviq_server.billing.verification.actions.verify_books import verify_books
from tests.api import catalog
from tests.api.conftest import Client
from tests.make import Made

VISA = "4242 4242 4242 4242"
GERMAN = "4000 0027 6000 0016"
DECLINED_LATER = "4000 0000 0000 0341"
ASKS_FOR_AUTHENTICATION, ALWAYS_ASKS = "4000 0025 0000 3155", "4000 0027 6000 3184"
LOSES_THE_ANSWER = "4000 0000 0000 5019"
ANSWERS_LATE = "4000 0000 0000 5035"
DECLINES_LATE = "4000 0000 0000 5043"
CANNOT_REFUND = "4000 0000 0000 5126"


async def once(api: Client, identifier: str = "lifetime", amount: Any = 49, **fields: Any) -> str:
    """Publish a plan that is bought once, and return its identifier."""
    await catalog.plan(api, identifier)
    entry = catalog.entry(catalog.charge("ONE_TIME", amount))
    await catalog.set_prices(api, identifier, catalog.price(entry, **fields))
    await catalog.publish(api, identifier)
    return identifier


async def card(api: Client, customer_id: str, number: str = VISA, **fields: Any) -> dict[str, Any]:
    """Save a test card."""
    return await catalog.made(api, "/payment-methods/", {"customerId": customer_id, "cardNumber": number, **fields})


async def only_card(api: Client, customer_id: str, number: str = VISA) -> dict[str, Any]:
    """Let a customer pay with a test card from now on, and with nothing that they had before."""
    saved = await card(api, customer_id, number, isDefault=True)
    methods = (await api.get(f"/payment-methods/?customer_id={customer_id}")).json()["results"]
    for method in methods:
        if method["id"] != saved["id"]:
            assert (await api.delete(f"/payment-methods/{method['id']}/")).status_code == 204
    return saved


async def customer(api: Client, number: str | None = VISA, customer_id: str = "ada", **fields: Any) -> str:
    """Create a customer, with a card unless there is to be none, and return their id."""
    await catalog.made(api, "/customers/", {"customerId": customer_id, "name": "Ada Lovelace", **fields})
    if number is not None:
        await card(api, customer_id, number)
    return customer_id


def body(plan: str = "lifetime", customer_id: str = "ada", **fields: Any) -> dict[str, Any]:
    """Return the body of a charge."""
    return {"planIdentifier": plan, "chargePeriod": "ONE_TIME", "customerId": customer_id, **fields}


async def charged(api: Client, plan: str = "lifetime", customer_id: str = "ada", **fields: Any) -> dict[str, Any]:
    """Charge a customer, and return the answer."""
    return await catalog.made(api, "/charges/", body(plan, customer_id, **fields))


async def order_of(api: Client, charge: dict[str, Any]) -> dict[str, Any]:
    """Return the order of a charge."""
    return (await api.get(f"/orders/{charge['orderId']}/")).json()


async def one(api: Client, path: str) -> dict[str, Any]:
    """Return the only entry of a list."""
    page = (await api.get(path)).json()
    assert page["count"] == 1, page
    return page["results"][0]


async def refused(api: Client, plan: str = "lifetime", customer_id: str = "ada", **fields: Any) -> Any:
    """Return why a charge is not made."""
    answer = await api.post("/charges/", body(plan, customer_id, **fields))
    assert answer.status_code == 400, answer.text
    return answer.json()


async def books_balance(made: Made) -> None:
    """Fail unless a sandbox's books say what their records come to."""
    verified = await verify_books(made.sandbox)
    assert verified.differences == []
