"""Orders: the newest paid first, found by what was bought and by whom, with everything that happened to them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import make
from tests.api import catalog, money
from tests.api.conftest import Client
from tests.make import Made

ORDERS = "/orders/"
AT = datetime(2026, 7, 29, 10, 30, tzinfo=UTC)
ADDRESS = {"country": "DE", "city": "Berlin", "postalCode": "10115"}


async def listed(api: Client, query: str = "") -> list[str]:
    """Return the customers of the orders found."""
    answer = await api.get(ORDERS + query)
    assert answer.status_code == 200, answer.text
    return [order["customer"]["customerId"] for order in answer.json()["results"]]


async def test_an_order_shows_what_was_bought_as_the_catalog_has_it(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    await money.once(api, currency="EUR", taxBehavior="INCLUSIVE")
    await money.customer(api, email="ada@example.com", billingAddress=ADDRESS)
    charge = await money.charged(api)
    order = await money.order_of(api, charge)
    plan = (await api.get("/catalog/plans/lifetime/")).json()
    product = (await api.get(f"/catalog/products/{plan['product']}/")).json()
    del product["plans"]
    assert {name: order["plan"][name] for name in plan if name in order["plan"]} == {
        name: value for name, value in plan.items() if name in order["plan"]
    }
    assert {"identifier", "name", "product", "version", "license", "links", "files"} <= order["plan"].keys()
    assert order["product"] == product
    expected = {
        "id": charge["orderId"], "customer": {"customerId": "ada", "name": "Ada Lovelace", "email": "ada@example.com"},
        "status": "COMPLETE", "paidAt": "2026-07-29T10:30:00.000000Z", "saleCurrency": "EUR",
        "saleCurrencySymbol": "€", "amountSubtotal": "49.00", "amountDiscount": "0.00", "amountTax": "7.82",
        "amountTotal": "49.00", "amountCredit": "0.00", "amountSubtotalUnits": 4900, "amountDiscountUnits": 0,
        "amountTaxUnits": 782, "amountTotalUnits": 4900, "amountCreditUnits": 0, "refundedTotalUnits": 0,
        "billingAddress": ADDRESS, "billingType": "ONE_TIME", "license": [], "isTrial": False, "isRenewal": False,
        "subscription": {}, "chargeId": charge["id"], "invoiceId": charge["invoiceId"], "customFieldsData": {},
        "paymentMethod": {"paymentMethodType": "card", "paymentMethodName": "visa", "last4": "4242"},
    }  # fmt: skip
    assert {name: value for name, value in order.items() if name not in ("plan", "product")} == expected
    assert await money.one(api, ORDERS) == order


async def test_an_order_keeps_the_buyer_and_the_version_of_the_day(api: Client) -> None:
    await money.once(api)
    await money.customer(api, email="ada@example.com")
    order = await money.order_of(api, await money.charged(api))
    await api.patch("/customers/ada/", {"name": "Countess", "email": "new@example.com", "billingAddress": ADDRESS})
    entry = catalog.entry(catalog.charge("ONE_TIME", 99))
    await catalog.set_prices(api, "lifetime", catalog.price(entry))
    await catalog.publish(api, "lifetime")
    again = (await api.get(f"{ORDERS}{order['id']}/")).json()
    assert (again["customer"], again["billingAddress"]) == (order["customer"], None)
    assert (again["plan"]["version"], again["plan"]["isLatest"]) == (1, False)
    assert (await money.order_of(api, await money.charged(api)))["plan"]["version"] == 2


async def test_the_newest_paid_comes_first(api: Client, made: Made) -> None:
    await money.once(api)
    for number, name in enumerate(("ada", "bob", "eve")):
        await make.freeze_clock(made.sandbox, AT + timedelta(days=number))
        await money.customer(api, money.DECLINED_LATER if name == "bob" else money.VISA, name)
        await api.post("/charges/", money.body(customer_id=name))
    await money.charged(api)
    assert await listed(api) == ["ada", "eve", "bob", "ada"]
    assert await listed(api, "?status=FAILED") == ["bob"]
    first = (await api.get(ORDERS + "?page_size=3")).json()
    assert (first["count"], first["previous"]) == (4, None)
    assert first["next"].endswith("/api/v1/orders/?page_size=3&page=2")
    assert await listed(api, "?page_size=3&page=2") == ["ada"]
    for page in ("3", "0", "x"):
        past = await api.get(f"{ORDERS}?page_size=3&page={page}")
        assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})


@pytest.fixture
async def sold(api: Client, made: Made) -> dict[str, str]:
    """Orders of three customers on three days, by customer: paid, paid and refunded in part, and failed."""
    await money.once(api)
    orders: dict[str, str] = {}
    for number, (name, card) in enumerate((("ada", money.VISA), ("bob_1", money.VISA), ("eve", money.DECLINED_LATER))):
        await make.freeze_clock(made.sandbox, AT + timedelta(days=number))
        await money.customer(api, card, name, name=f"{name.title()} Smith", email=f"{name}@example.com")
        await api.post("/charges/", money.body(customer_id=name))
        orders[name] = (await api.get(ORDERS)).json()["results"][0]["id"]
    await api.post("/refunds/", {"orderId": orders["bob_1"], "amount": 1})
    return orders


async def test_filters_narrow_and_add_up(api: Client, sold: dict[str, str]) -> None:
    for query, found in (
        ("", ["eve", "bob_1", "ada"]),
        ("?status=COMPLETE", ["ada"]),
        ("?status=PARTIAL_REFUND", ["bob_1"]),
        ("?status=FAILED", ["eve"]),
        ("?status=REFUNDED", []),
        ("?status=PENDING", []),
        ("?billing_type=ONE_TIME", ["eve", "bob_1", "ada"]),
        ("?billing_type=SUBSCRIPTION", []),
        ("?is_renewal=true", []),
        ("?is_renewal=false", ["eve", "bob_1", "ada"]),
        ("?start_date=2026-07-30", ["bob_1"]),
        ("?end_date=2026-07-29", ["ada"]),
        ("?start_date=2026-07-29&end_date=2026-07-30", ["bob_1", "ada"]),
        ("?start_date=2026-07-31", []),
        ("?search=SMITH", ["eve", "bob_1", "ada"]),
        ("?search=bob_1", ["bob_1"]),
        ("?search=b_b", []),
        ("?search=ada@example", ["ada"]),
        ('?search="ada smith"', ["ada"]),
        (f"?search={sold['ada'][-5:]}", ["ada"]),
        ("?search=smith nobody", []),
        ("?search=smith&status=COMPLETE&billing_type=ONE_TIME&is_renewal=false&start_date=2026-07-29", ["ada"]),
    ):
        assert await listed(api, query) == found, query


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("status=PAID", {"status": ['"PAID" is not a valid choice.']}),
        ("billing_type=ONCE", {"billing_type": ['"ONCE" is not a valid choice.']}),
        ("is_renewal=maybe", {"is_renewal": ["Must be a valid boolean."]}),
        ("start_date=yesterday", {"start_date": ["Enter a valid date."]}),
        ("end_date=2026-13-01", {"end_date": ["Enter a valid date."]}),
        (f"search={'x' * 301}", {"search": ["Ensure this field has no more than 300 characters."]}),
    ],
)
async def test_a_filter_that_makes_no_sense_is_named(api: Client, query: str, faults: dict[str, Any]) -> None:
    answer = await api.get(f"{ORDERS}?{query}")
    assert (answer.status_code, answer.json()) == (400, faults)


async def test_the_latest_day_there_is_can_be_asked_for(api: Client) -> None:
    for query in ("?end_date=9999-12-31", "?start_date=0001-01-01&end_date=0001-01-01"):
        for path in (ORDERS, "/refunds/", "/transaction/"):
            assert (await api.get(path + query)).status_code == 200


async def test_a_timeline_tells_everything_newest_first(api: Client, made: Made) -> None:
    await make.freeze_clock(made.sandbox, AT)
    await money.once(api)
    await money.customer(api)
    charge = await money.charged(api)
    await make.freeze_clock(made.sandbox, AT + timedelta(hours=1))
    await api.post("/refunds/", {"orderId": charge["orderId"], "amount": 9})
    page = (await api.get(f"{ORDERS}{charge['orderId']}/events/")).json()
    assert {event["order"] for event in page["results"]} == {charge["orderId"]}
    assert sorted((event["id"] for event in page["results"]), reverse=True) == [e["id"] for e in page["results"]]
    paid, refunded = "2026-07-29T10:30:00.000000Z", "2026-07-29T11:30:00.000000Z"
    names = ("code", "title", "status", "timestamp", "metadata")
    assert [tuple(event[name] for name in names) for event in page["results"]] == [
        ("order.refunded", "Refund issued", "success", refunded, {"primary": "-9.00 USD"}),
        ("invoice.paid", "Invoice paid", "success", paid, {"primary": charge["invoiceId"]}),
        ("order.completed", "Order completed", "success", paid,
         {"primary": "+49.00 USD", "secondary": "card ending 4242"}),
        ("order.created", "Order created", "success", paid, {}),
    ]  # fmt: skip
    second = (await api.get(f"{ORDERS}{charge['orderId']}/events/?page_size=3&page=2")).json()
    assert (second["count"], [event["code"] for event in second["results"]]) == (4, ["order.created"])
    past = await api.get(f"{ORDERS}{charge['orderId']}/events/?page=2")
    assert (past.status_code, past.json()) == (404, {"detail": "Invalid page."})


async def test_a_timeline_is_of_one_purchase(api: Client) -> None:
    await money.once(api)
    await money.customer(api)
    first, second = await money.charged(api), await money.charged(api)
    for charge in (first, second):
        events = (await api.get(f"{ORDERS}{charge['orderId']}/events/")).json()["results"]
        assert {event["order"] for event in events} == {charge["orderId"]}


async def test_an_order_that_does_not_exist_is_not_found(api: Client) -> None:
    for path in ("ORD-20260729103000-AB3K9/", "x/", "ORD-20260729103000-AB3K9/events/"):
        answer = await api.get(ORDERS + path)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
