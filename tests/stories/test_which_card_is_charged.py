"""A subscription is charged to the card that it was bought with; the customer's default takes over where that fails."""

from starlette.applications import Starlette

from tests.api import checkout, money
from tests.api import subscriptions as subs
from tests.api.buying import BUYER, CARD, at
from tests.api.conftest import Client, client_for
from tests.make import Made
from tests.stories.test_a_customer_pays_what_is_owed import page_of, statuses

APRIL, MAY, JUNE, JULY = (f"2031-{day}T00:00:00Z" for day in ("04-01", "05-01", "06-01", "07-01"))
MASTERCARD, AMEX = "5555 5555 5555 4444", "3782 822463 10005"


async def charged(api: Client) -> list[str]:
    """Return with which card each order was paid, the oldest first."""
    methods = [each["paymentMethod"] for each in await subs.orders(api) if each["status"] == "COMPLETE"]
    return [method["last4"] for method in methods if method]


async def default(api: Client) -> str:
    """Return the card that is the customer's default."""
    methods = (await api.get("/payment-methods/")).json()["results"]
    [found] = [each["methodData"]["last4"] for each in methods if each["isDefault"]]
    return found


async def bought(app: Starlette, browser: Client, number: str, plan: str) -> None:
    """Let a stranger buy something in Ada's name with this card, on the page of a session that anybody may open."""
    window = await at(app, await checkout.opened(browser, planIdentifier=plan, customerId="ada"))
    await window.pay(**(BUYER | {"name": "Mallory"}), **(CARD | {"card_number": number}))


async def test_another_default_changes_nothing_until_it_is_needed(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api)
    await money.customer(api)
    pro = await subs.subscribed(api)
    visa = (await api.get("/payment-methods/")).json()["results"][0]["id"]
    await money.card(api, "ada", MASTERCARD, isDefault=True)
    await subs.advance(api, MAY)
    assert (await charged(api), await default(api)) == (["4242", "4242"], "4444")
    # The card is gone: from then on it is the default.
    assert (await api.delete(f"/payment-methods/{visa}/")).status_code == 204
    await subs.advance(api, JUNE)
    await money.card(api, "ada", AMEX, isDefault=True)
    await subs.advance(api, JULY)
    assert await charged(api) == ["4242", "4242", "4444", "4444"]
    assert await statuses(api, pro) == ["active"]
    await money.books_balance(made)


async def test_the_default_takes_over_at_once_and_for_good(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, freeTrial=True, trialPeriod=30)
    await money.customer(api, money.DECLINED_LATER)
    pro = await subs.subscribed(api)
    await money.card(api, "ada", MASTERCARD, isDefault=True)
    await subs.advance(api, MAY)
    assert await subs.asked(api) == [("failure", 10_000), ("success", 10_000)]
    assert await statuses(api, pro) == ["active"]
    await money.card(api, "ada", AMEX, isDefault=True)
    await subs.advance(api, JUNE)
    assert await subs.asked(api) == [("failure", 10_000), *[("success", 10_000)] * 2]
    assert await charged(api) == ["4444", "4444"]
    await money.books_balance(made)


async def test_both_cards_fail_and_the_default_is_tried_eight_times_more(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, freeTrial=True, trialPeriod=30)
    await money.customer(api, money.DECLINED_LATER)
    pro = await subs.subscribed(api)
    await money.card(api, "ada", money.DECLINED_LATER, isDefault=True)
    await subs.advance(api, "2031-05-14T23:59:00Z")
    assert (await statuses(api, pro), len(await subs.asked(api))) == (["past_due"], 2 + 7)
    await subs.advance(api, JUNE)
    assert (await statuses(api, pro), len(await subs.asked(api))) == (["canceled"], 2 + 8)
    await money.books_balance(made)


async def test_a_stranger_pays_for_what_they_buy_in_somebody_s_name_and_nobody_else_does(
    app: Starlette, api: Client, made: Made
) -> None:
    await subs.freeze(api, APRIL)
    product = await subs.recurring(api)
    await subs.recurring(api, "tried", 70, freeTrial=True, trialPeriod=30)
    await money.customer(api, MASTERCARD, name="Ada Lovelace", email="ada@example.com")
    browser = client_for(app, made.keys.sandbox.client.plain)
    await bought(app, browser, money.VISA, product)
    await bought(app, browser, money.DECLINED_LATER, "tried")
    assert (await default(api), (await api.get("/customers/ada/")).json()["name"]) == ("4444", "Ada Lovelace")
    await subs.advance(api, JUNE)
    assert await charged(api) == ["4242", "4242", "4242"]
    assert [status for status, _ in await subs.asked(api)].count("success") == 3
    await subs.advance(api, JULY)
    records = (await api.get("/subscriptions/?status=active,past_due,canceled")).json()["results"]
    assert sorted((each["plan"]["identifier"], each["status"]) for each in records) == [
        ("pro", "active"), ("tried", "canceled"),
    ]  # fmt: skip
    await money.books_balance(made)


async def test_what_pays_an_invoice_on_its_page_is_charged_from_then_on(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    await subs.recurring(api, freeTrial=True, trialPeriod=30)
    await money.customer(api, money.DECLINED_LATER)
    pro = await subs.subscribed(api)
    await subs.advance(api, MAY)
    page = await page_of(api)
    assert (await page.pay_with(MASTERCARD)).status_code == 303
    assert (await statuses(api, pro), await default(api)) == (["active"], "4444")
    await subs.advance(api, JUNE)
    assert await charged(api) == ["4444", "4444"]
    assert await subs.asked(api) == [("failure", 10_000), *[("success", 10_000)] * 2]
    await money.books_balance(made)
