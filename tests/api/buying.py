"""Buys on the hosted page without a browser's help: forms are filled in and sent, and pages come back."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import count
from typing import Any

import httpx
from starlette.applications import Starlette

from tests.api import catalog, checkout, money, subscriptions
from tests.api.conftest import Client

BUYER = {"email": "grace@example.com", "name": "Grace Hopper", "country": "DE"}
_numbers = count(1)
# Of a bank in India.
INDIAN = "4000003560000008"
CARD = {"card_number": money.VISA, "card_expiry": "12/39", "card_code": "123"}


class Form(HTMLParser):
    """What a browser would send of the forms on a page, and what it shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.choices: dict[str, list[str]] = {}
        self.readonly: set[str] = set()
        self.invalid: list[str] = []
        self.text = ""
        # Where the page goes on to by itself, and when.
        self.refresh: str | None = None
        self._select = ""
        self._names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if "aria-invalid" in values:
            self.invalid.append(name)
        if tag == "meta" and values.get("http-equiv") == "refresh":
            self.refresh = values["content"]
        if tag == "form":
            self._names = set()
        if tag in ("input", "select") and values.get("type") != "radio":
            assert name not in self._names, f"the form asks for {name} twice"
            self._names.add(name)
        if tag == "input":
            if values.get("type") == "radio":
                self.choices.setdefault(name, []).append(values["value"])
            if values.get("type") != "radio" or "checked" in values:
                self.fields[name] = values.get("value", "")
            if "readonly" in values:
                self.readonly.add(name)
        elif tag == "select":
            self._select = name
            self.fields[name] = ""
        elif tag == "option":
            self.choices.setdefault(self._select, []).append(values["value"])
            if "selected" in values:
                self.fields[self._select] = values["value"]

    def handle_data(self, data: str) -> None:
        self.text = f"{self.text} {data.strip()}".strip()


@dataclass
class Tab:
    """A browser's window at one page."""

    http: httpx.AsyncClient
    path: str = ""
    answer: httpx.Response = field(default_factory=lambda: httpx.Response(200))
    form: Form = field(default_factory=lambda: Form(""))

    async def open(self, path: str) -> Form:
        self.path = path
        return self._shown(await self.http.get(path, headers={"Accept": "text/html"}))

    async def send(self, do: str, **typed: str) -> Form:
        """Send the form with this typed into it, by one of its buttons."""
        return self._shown(await self.http.post(self.path, data={**self.form.fields, **typed, "do": do}))

    async def pay(self, **typed: str) -> Form:
        """Look at the total with this typed in, and pay that."""
        await self.send("update", **{name: value for name, value in typed.items() if not name.startswith("card_")})
        return await self.send("pay", **typed)

    async def answer_bank(self, answer: str) -> Form:
        fields = {**self.form.fields, "answer": answer}
        return self._shown(await self.http.post(self.path + "authenticate/", data=fields))

    def _shown(self, answer: httpx.Response) -> Form:
        self.answer, self.form = answer, Form(answer.text)
        return self.form


def tab(app: Starlette) -> Tab:
    """Return a new browser's window."""
    # Everybody from an address of their own, since how often one address pays is limited.
    number = next(_numbers)
    client = (f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 1)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=client)
    return Tab(httpx.AsyncClient(transport=transport, base_url="http://testserver", follow_redirects=True))


async def at(app: Starlette, id: str) -> Tab:
    """Return a new browser's window at a session's page."""
    window = tab(app)
    await window.open(f"/checkout/{id}/")
    assert window.answer.status_code == 200, window.answer.text
    return window


async def shop(api: Client) -> None:
    """Sell a plan by the month and the year, with seats, from a seller in the US."""
    await api.patch("/organization/", {"billingAddress": {"country": "US"}, "legalName": "Acme Inc."})
    seats = await catalog.feature(api, name="Seats", identifier="seats")
    per_seat = catalog.entry(
        catalog.charge("MONTHLY", 10, minQuantity=1, maxQuantity=20),
        catalog.charge("YEARLY", 100, minQuantity=1, maxQuantity=20),
        feature=seats["id"],
    )
    await subscriptions.recurring(api, yearly=1000, entries=(per_seat,))


async def kinds(api: Client, *wanted: str) -> list[str]:
    """Return the types of what was announced, in order, of those that are wanted."""
    return [type for type, _ in await subscriptions.told(api, *wanted)]


async def orders(api: Client) -> list[tuple[str, str]]:
    """Return how all orders stand, and what they came to, the oldest first."""
    return [(order["status"], order["amountTotal"]) for order in await subscriptions.orders(api)]


async def authenticating(app: Starlette, api: Client, **fields: Any) -> tuple[str, Tab]:
    """Return a session whose payment waits for its customer, and the window that asks them."""
    id = await checkout.opened(api, **fields)
    window = await at(app, id)
    page = await window.pay(**BUYER, **{**CARD, "card_number": money.ASKS_FOR_AUTHENTICATION})
    assert "Confirm your payment" in page.text
    assert (await checkout.shown(api, id))["status"] == "processing"
    return id, window
