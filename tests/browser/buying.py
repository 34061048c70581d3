"""A merchant who sells on the hosted page, and what buyers do there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from playwright.async_api import Page

from tests.contract.merchant import merchant
from tests.contract.server import Server

VISA, DECLINED_LATER, AUTHENTICATES = "4242424242424242", "4000000000000341", "4000002500003155"
THANKS = "Thank you for your order"


@dataclass(frozen=True)
class Shop:
    """A merchant with a plan by the month and the year, with seats, and a free one."""

    api: httpx.Client
    url: str
    product: str

    def session(self, **fields: Any) -> str:
        """Open a session, and return the address of its page."""
        body = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "successUrl": f"{self.url}/healthz", **fields}
        return self.api.post("/checkout/", json=body).raise_for_status().json()["checkoutUrl"]

    def opened(self) -> str:
        """Open a session by a link, and return the address of its page; nothing of the merchant's is behind it."""
        return self.url + httpx.get(self.link).headers["location"]

    @property
    def link(self) -> str:
        """Return a link that leads back to no page of the merchant's."""
        return f"{self.url}/sandbox/buy/{self.product}/?plan_identifier=pro&charge_period=MONTHLY"

    def paid(self) -> list[str]:
        """Return what the orders came to that are complete, the newest first."""
        orders = self.api.get("/orders/").json()["results"]
        return [order["amountTotal"] for order in orders if order["status"] == "COMPLETE"]


@contextmanager
def shop(server: Server, key: str) -> Iterator[Shop]:
    with merchant(server.url, key) as api:

        def made(path: str, body: dict[str, Any]) -> Any:
            return api.post(path, json=body).raise_for_status().json()

        sold = made("/catalog/products/", {"name": "Lumen Notes", "taxCode": "saas"})["id"]
        units = {"units": {"singular": "seat", "plural": "seats"}, "featureSubType": "PRE_AGGREGATED_USAGE"}
        seats = {"name": "Seats", "identifier": "seats", "featureType": "METER", "featureDetails": units}
        seats_id = made("/catalog/features/", seats)["id"]

        def charges(monthly: int, **bounds: int) -> list[dict[str, Any]]:
            periods = (("MONTHLY", monthly), ("YEARLY", monthly * 10))
            return [{"chargePeriod": name, "priceData": {"amount": amount}, **bounds} for name, amount in periods]

        components = [{"charges": charges(20)}, {"feature": seats_id, "charges": charges(10, minQuantity=1)}]
        for plan, price in (
            ("pro", {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": components}),
            ("free", {"priceType": "FREE", "currency": "USD"}),
        ):
            made("/catalog/plans/", {"name": plan.title(), "identifier": plan, "product": sold})
            made(f"/catalog/plans/{plan}/prices/bulk/", {"prices": [price]})
            made(f"/catalog/plans/{plan}/publish/", {})
        made("/discounts/", {"name": "Launch", "code": "LAUNCH", "type": "PERCENTAGE", "percentage": 50})
        yield Shop(api, server.url, sold)


async def describe(tab: Page) -> None:
    """Type who buys."""
    await tab.get_by_label("E-mail").fill("grace@example.com")
    await tab.get_by_label("Name", exact=True).fill("Grace Hopper")
    await tab.get_by_label("Country").select_option("DE")


async def type_card(tab: Page, number: str = VISA) -> None:
    await tab.get_by_label("Card number").press_sequentially(number)
    await tab.get_by_label("Expires (MM/YY)").press_sequentially("1239")
    await tab.get_by_label("Security code").fill("123")
