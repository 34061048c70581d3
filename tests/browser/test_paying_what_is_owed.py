"""An invoice that is owed is paid on its page, in a real browser."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
from playwright.async_api import Page, expect

from tests.contract.merchant import buyer, merchant, sell_monthly
from tests.contract.server import Server

GOOD = {"customerId": "ada", "cardNumber": "4242424242424242"}
DECLINED_LATER, AUTHENTICATES = "4000000000000341", "4000002500003155"


@dataclass(frozen=True)
class Owing:
    """A subscriber whose renewal was not paid: the merchant's client, the subscription, the link to the invoice."""

    api: httpx.Client
    subscription: str
    link: str

    def status(self) -> str:
        """Return where the subscription stands."""
        return self.api.get(f"/subscriptions/{self.subscription}/").json()["status"]

    def default(self) -> str:
        """Return the last digits of the card that the customer pays with."""
        methods = self.api.get("/payment-methods/").json()["results"]
        [default] = [method for method in methods if method["isDefault"]]
        return default["methodData"]["last4"]

    def orders(self) -> list[str]:
        """Return how the orders stand, the newest first."""
        return [order["status"] for order in self.api.get("/orders/").json()["results"]]


@contextmanager
def owing(server: Server, key: str, card: str) -> Iterator[Owing]:
    """Have a subscriber whose card is gone, and whose other one fails at the first renewal."""
    with merchant(server.url, key) as api:
        sell_monthly(api)
        buyer(api, "ada")
        body = {"planIdentifier": "pro", "chargePeriod": "MONTHLY", "customerId": "ada"}
        id = api.post("/subscriptions/create/", json=body).raise_for_status().json()["id"]
        other = {"customerId": "ada", "cardNumber": card, "isDefault": True}
        first = api.get("/payment-methods/").json()["results"][0]["id"]
        api.post("/payment-methods/", json=other).raise_for_status()
        api.delete(f"/payment-methods/{first}/").raise_for_status()
        api.post("/sandbox/clock/", json={"advance": {"months": 1}}).raise_for_status()
        owing = Owing(api, id, f"{server.url}/pay/{_link(api).partition('/pay/')[2]}")
        assert owing.status() == "past_due"
        yield owing


def _link(api: httpx.Client) -> str:
    """Return the payment link that the log tells; events get there a moment after they happened."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for event in api.get("/webhook/events/?page_size=100").json()["results"]:
            if event["type"] == "invoice.payment_failed":
                return event["data"]["object"]["payment_link"]
    raise AssertionError("no failed payment was told")


async def pay_by_card(tab: Page, number: str) -> None:
    await tab.get_by_label("Card number").fill(number)
    await tab.get_by_label("Expires (MM/YY)").fill("12/39")
    await tab.get_by_label("Security code").fill("123")
    await tab.get_by_role("button", name="Pay $").last.click()


async def test_another_card_pays_and_access_goes_on(server: Server, sandbox: str, tab: Page) -> None:
    with owing(server, sandbox, DECLINED_LATER) as owed:
        await tab.goto(owed.link)
        await expect(tab.get_by_role("heading", name="Pay this invoice")).to_be_visible()
        await pay_by_card(tab, "4000 0000 0000 0002")
        await expect(tab.get_by_text("The card was declined.")).to_be_visible()
        assert await tab.get_by_label("Card number").input_value() == "", "a card is never shown again"
        assert await tab.get_by_label("Card number").evaluate("field => field === document.activeElement")
        # The gateway keeps this one, and declines what it is charged.
        await pay_by_card(tab, DECLINED_LATER)
        await expect(tab.get_by_text("Try another card.")).to_be_visible()
        default = owed.api.post("/payment-methods/", json=GOOD | {"isDefault": True}).raise_for_status().json()
        await pay_by_card(tab, DECLINED_LATER)
        await expect(tab.get_by_text("Try another card.")).to_be_visible()
        assert owed.default() == default["methodData"]["last4"], "what is declined takes no other card's place"
        await pay_by_card(tab, "5555555555554444")
        await expect(tab.get_by_role("heading", name="This invoice is paid")).to_be_visible()
        assert (owed.status(), owed.default()) == ("active", "4444")
        await tab.reload()
        await expect(tab.get_by_role("heading", name="This invoice is paid")).to_be_visible()
        assert owed.orders() == ["COMPLETE", "COMPLETE"]


async def test_the_customer_authenticates_what_the_card_on_file_could_not_pay_alone(
    server: Server, sandbox: str, tab: Page
) -> None:
    with owing(server, sandbox, AUTHENTICATES) as owed:
        await tab.goto(owed.link)
        await tab.get_by_role("button", name="with Visa ending in 3155").click()
        await expect(tab.get_by_role("heading", name="Confirm your payment")).to_be_visible()
        await tab.get_by_role("button", name="Refuse").click()
        await expect(tab.get_by_text("The payment requires authentication.")).to_be_visible()
        assert owed.status() == "past_due"
        # Nobody is sent into nothing by the address that the answer went to.
        await tab.goto(tab.url)
        assert tab.url == owed.link
        await tab.get_by_role("button", name="with Visa ending in 3155").click()
        # Whoever opens the link once more is asked about the same payment, and it is paid once.
        other = await tab.context.new_page()
        await other.goto(owed.link)
        await other.get_by_role("button", name="Approve").click()
        await expect(other.get_by_role("heading", name="This invoice is paid")).to_be_visible()
        await tab.get_by_role("button", name="Approve").click()
        await expect(tab.get_by_role("heading", name="This invoice is paid")).to_be_visible()
        assert (owed.status(), owed.orders()) == ("active", ["COMPLETE", "COMPLETE"])


def test_a_link_that_was_tampered_with_leads_nowhere(server: Server, sandbox: str) -> None:
    with owing(server, sandbox, DECLINED_LATER) as owed:
        other = owed.link.replace("/pay/", "/pay/9")
        assert [httpx.get(link).status_code for link in (other, owed.link[:-2] + "/")] == [404, 404]
        posted = httpx.post(owed.link, data={"pay_with": "saved"})
        assert posted.status_code == 403, "forms that our own page did not send"
        page = httpx.get(owed.link)
        assert page.headers["cache-control"] == "no-store"
        assert "form-action 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
