"""Visitors of some countries get something off: by group and by country, unless they come through what is blocked."""

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from starlette.applications import Starlette

from kelviq_server.visitors.actions.import_networks import import_networks
from kelviq_server.visitors.records import Network
from tests.api import buying, catalog, checkout, money
from tests.api import subscriptions as subs
from tests.api.conftest import Client, client_for
from tests.make import Made
from tests.statements import counting

INDIA, BRAZIL, GERMANY, UNITED_STATES = "49.36.0.1", "177.0.0.1", "91.0.0.1", "8.8.8.8"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
# Somebody in India, with a card from there.
INDIAN = {**buying.BUYER, "country": "IN", **buying.CARD, "card_number": buying.INDIAN}
# Of documents alone (RFC 5737).
NOBODYS = ["192.0.2.0/24"]
NOTHING_NOTICED = {"vpn": False, "tor": False, "proxy": False, "relay": False, "crawler": False}


@pytest.fixture
async def product(api: Client) -> str:
    """A product with a plan that costs 100.00 once or each month, and another one that is bought once."""
    await subs.freeze(api)
    product = (await catalog.product(api))["id"]
    await subs.recurring(api, product_id=product, periods=("MONTHLY", "ONE_TIME"))
    await subs.recurring(api, "other", product_id=product, periods=("ONE_TIME",))
    return product


async def discounts(api: Client) -> list[str]:
    """Return what was taken off each order, the oldest first."""
    return [order["amountDiscount"] for order in await subs.orders(api)]


async def refused(api: Client, code: str, customer: str = "ada", plan: str = "pro") -> Any:
    """Return why a code is not taken."""
    answer = await api.post("/charges/", money.body(plan, customer, discountCode=code))
    assert answer.status_code == 400, answer.text
    return answer.json()["discountCode"]


@pytest.fixture
async def no_networks(api: Client) -> AsyncIterator[None]:
    """Nothing is known of networks afterwards, which are everybody's."""
    yield
    for kind in Network:
        await import_networks(kind, NOBODYS)


async def promote(api: Client, product: str, **fields: Any) -> dict[str, Any]:
    """Create a promotion of the plan: 30 off for lower-middle incomes, 40 for India, unless it is said otherwise."""
    body = {
        "name": "PPP", "restrictions": [{"product": product, "plan": "pro"}], "groups": {"LOWER_MIDDLE_INCOME": 30},
        "countries": [{"country": "in", "percentage": 40}], **fields,
    }  # fmt: skip
    return await catalog.made(api, "/promotions/manage/", body)


async def seen(api: Client, promotion: dict[str, Any], address: str) -> dict[str, Any]:
    """Return what a visitor at an address gets."""
    query = {"promotion_id": promotion["id"], "ip_address": address}
    answer = await api.get("/promotions", params=query, headers={"User-Agent": FIREFOX})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_visitor_gets_what_their_country_gets(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    india = await seen(api, promotion, INDIA)
    [widget] = india["widgets"]
    assert widget["type"] == "BANNER"
    assert india == {
        "country": "India", "countryCode": "IN", "percentage": 40, "code": india["code"], "message": "",
        "widgets": [widget], "security": NOTHING_NOTICED,
    }  # fmt: skip
    assert india["code"].startswith("KQ")
    brazil = await seen(api, promotion, BRAZIL)
    assert (brazil["countryCode"], brazil["percentage"], brazil["code"]) == ("BR", 0, "")
    nowhere = await seen(api, promotion, "10.0.0.1")
    assert (nowhere["country"], nowhere["countryCode"], nowhere["percentage"]) == ("", "", 0)


async def test_it_takes_one_statement(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    async with counting() as ran:
        await seen(api, promotion, INDIA)
        assert len(ran) == 1, ran


async def test_a_browser_asks_with_the_client_key_and_cannot_say_where_it_is(
    app: Starlette, api: Client, made: Made, product: str
) -> None:
    promotion = await promote(api, product)
    browser = client_for(app, made.keys.sandbox.client.plain)
    answer = await browser.get(
        "/promotions", params={"promotion_id": promotion["id"], "ip_address": INDIA}, headers={"User-Agent": FIREFOX}
    )
    assert (answer.status_code, answer.json()["countryCode"], answer.json()["percentage"]) == (200, "", 0)
    assert (await browser.get("/promotions/manage/")).status_code == 403


async def test_a_code_takes_off_what_it_says_for_as_long_as_it_is_paid(
    app: Starlette, api: Client, product: str
) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    window = await buying.at(app, await checkout.opened(api, discountCode=code.lower()))
    page = await window.send("update", **{**buying.BUYER, "country": "DE"})
    assert "This discount code is for buyers in another country." in page.text
    page = await window.pay(**{**buying.BUYER, "country": "IN"}, **buying.CARD, discountCode=code)
    assert "This discount code is for buyers in another country." in page.text, "the card is of another country"
    assert await discounts(api) == []
    await window.pay(**INDIAN, discountCode=code)
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await discounts(api) == ["40.00", "40.00"]


async def test_a_code_is_for_its_country_alone_where_matching_is_strict(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    places = (("de", {"country": "DE"}), ("nowhere", None), ("card", {"country": "IN"}))
    for customer, address in places:
        await money.customer(api, customer_id=customer, billingAddress=address)
        assert await refused(api, code, customer) == ["This discount code is for buyers in another country."]
    path = f"/promotions/manage/{promotion['id']}/"
    assert (await api.patch(path, {"security": {"strictCountryMatching": False}})).status_code == 200
    for customer, _ in places:
        await money.charged(api, "pro", customer, discountCode=code)
    assert await discounts(api) == ["40.00"] * 3


async def test_a_code_holds_for_what_the_promotion_now_names(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    await money.customer(api, buying.INDIAN, billingAddress={"country": "IN"})
    assert await refused(api, code, plan="other") == ["This discount code does not apply to this plan."]
    await api.patch(f"/promotions/manage/{promotion['id']}/", {"restrictions": [{"product": product}]})
    await money.charged(api, "other", discountCode=code)


async def test_without_a_field_for_codes_a_card_from_elsewhere_takes_the_code_away(
    app: Starlette, api: Client, product: str
) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    window = await buying.at(app, await checkout.opened(api, discountCode=code, discountsEnabled=False))
    page = await window.pay(**{**INDIAN, "card_number": money.VISA})
    assert "Look at the new total and pay again." in page.text
    assert await discounts(api) == []
    await window.pay(**{**INDIAN, "card_number": money.VISA})
    assert await discounts(api) == ["0.00"]


async def test_another_plan_has_a_code_only_if_the_promotion_names_it(
    app: Starlette, api: Client, product: str
) -> None:
    await subs.recurring(api, "team", product_id=product)
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    window = await buying.at(app, await checkout.opened(api, discountCode=code))
    await window.pay(**INDIAN, discountCode=code)
    [bought] = (await api.get("/subscriptions/")).json()["results"]
    await subs.updated(api, bought, "team")
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert (await discounts(api))[-1] == "0.00"


async def test_who_bought_with_a_code_keeps_it_whatever_the_promotion_names(
    app: Starlette, api: Client, product: str
) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    window = await buying.at(app, await checkout.opened(api, discountCode=code))
    await window.pay(**INDIAN, discountCode=code)
    other = {"product": product, "plan": "other"}
    await api.patch(f"/promotions/manage/{promotion['id']}/", {"restrictions": [other]})
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await discounts(api) == ["40.00", "40.00"]


async def test_another_percentage_is_another_code_and_who_has_the_old_one_keeps_it(
    app: Starlette, api: Client, product: str
) -> None:
    promotion = await promote(api, product)
    before = (await seen(api, promotion, INDIA))["code"]
    window = await buying.at(app, await checkout.opened(api, discountCode=before))
    await window.pay(**INDIAN, discountCode=before)
    path = f"/promotions/manage/{promotion['id']}/"
    changed = (await api.patch(path, {"countries": [{"country": "IN", "percentage": 50}]})).json()
    assert changed["countries"] == [{"country": "IN", "percentage": 50}]
    after = await seen(api, promotion, INDIA)
    assert (after["percentage"], after["code"] == before) == (50, False)
    await money.customer(api, billingAddress={"country": "IN"})
    assert await refused(api, before) == ["There is no such discount code."]
    await subs.advance(api, "2031-02-28T09:30:00Z")
    assert await discounts(api) == ["40.00", "40.00"]


async def test_what_does_not_change_keeps_its_code(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    path = f"/promotions/manage/{promotion['id']}/"
    renamed = (await api.patch(path, {"name": "PPP 2", "groups": {"LOW_INCOME": 60}})).json()
    assert (renamed["groups"], renamed["countries"]) == ({"LOW_INCOME": 60}, [{"country": "IN", "percentage": 40}])
    assert (await seen(api, promotion, INDIA))["code"] == code
    before = (await api.get(path)).json()
    again = {name: before[name] for name in ("name", "groups", "countries", "restrictions", "banner", "security")}
    assert (await api.patch(path, again)).json() == before


async def test_a_country_may_get_nothing_though_its_group_does(api: Client, product: str) -> None:
    promotion = await promote(api, product, countries=[{"country": "IN", "percentage": 0}])
    assert (await seen(api, promotion, INDIA))["percentage"] == 0


@pytest.mark.usefixtures("no_networks")
@pytest.mark.parametrize(
    ("kind", "flag"), [("vpn", "vpn"), ("tor", "tor"), ("proxy", "proxy"), ("relay", "relay"), ("data_centre", "proxy")]
)
async def test_who_comes_through_what_is_blocked_gets_nothing_and_is_told_why(
    api: Client, product: str, kind: str, flag: str
) -> None:
    promotion = await promote(api, product)
    await import_networks(Network(kind), ["49.36.0.0/16"])
    blocked = await seen(api, promotion, INDIA)
    assert (blocked["percentage"], blocked["code"]) == (0, "")
    assert blocked["security"] == NOTHING_NOTICED | {flag: True}
    await api.patch(f"/promotions/manage/{promotion['id']}/", {"security": {flag: False}})
    allowed = await seen(api, promotion, INDIA)
    assert (allowed["percentage"], allowed["security"][flag]) == (40, True)
    await import_networks(Network(kind), NOBODYS)
    assert (await seen(api, promotion, INDIA))["security"] == NOTHING_NOTICED


@pytest.mark.usefixtures("no_networks")
async def test_nobody_buys_with_a_code_through_what_is_blocked(app: Starlette, api: Client, product: str) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    await import_networks(Network.VPN, ["49.36.0.0/16"])
    blocked = {
        "discountCode": [
            "This discount code cannot be used through a VPN, a proxy or a network that hides where you are."
        ]
    }
    assert await checkout.refused(api, discountCode=code, ipAddress=INDIA) == blocked
    await money.customer(api, buying.INDIAN, billingAddress={"country": "IN"})
    answer = await api.post("/charges/", money.body("pro", discountCode=code, ipAddress=INDIA))
    assert (answer.status_code, answer.json()) == (400, blocked)
    window = await buying.at(app, await checkout.opened(api, discountCode=code))
    await window.pay(**INDIAN, discountCode=code)
    assert await discounts(api) == ["40.00"]


async def test_a_crawler_gets_nothing(app: Starlette, api: Client, made: Made, product: str) -> None:
    promotion = await promote(api, product)
    browser = client_for(app, made.keys.sandbox.client.plain)
    answer = await browser.get(
        "/promotions", params={"promotion_id": promotion["id"]}, headers={"User-Agent": "Googlebot"}
    )
    assert answer.json()["security"]["crawler"] is True


async def test_switched_off_and_deleted_it_gives_nothing(api: Client, product: str) -> None:
    promotion = await promote(api, product)
    code = (await seen(api, promotion, INDIA))["code"]
    await money.customer(api, billingAddress={"country": "IN"})
    unknown = ["There is no such discount code."]
    path = f"/promotions/manage/{promotion['id']}/"
    await api.patch(path, {"enabled": False})
    assert (await seen(api, promotion, INDIA))["percentage"] == 0
    assert await refused(api, code) == unknown
    await api.patch(path, {"enabled": True})
    assert (await seen(api, promotion, INDIA))["code"] == code
    assert [(await api.delete(path)).status_code for _ in range(2)] == [204, 404]
    assert await refused(api, code) == unknown
    gone = await api.get("/promotions", params={"promotion_id": promotion["id"]})
    assert (gone.status_code, gone.json()) == (404, {"detail": "Promotion not found."})


async def test_its_codes_are_no_discounts_of_the_merchants_own(api: Client, product: str) -> None:
    await promote(api, product)
    assert (await api.get("/discounts/")).json()["count"] == 0


async def test_it_is_listed_with_what_was_said(api: Client, product: str) -> None:
    banner = {"countryMessage": "Hi {country}", "backgroundColor": "#fff", "fontSize": "14px", "placement": "bottom"}
    promotion = await promote(api, product, banner=banner, security={"vpn": False})
    [listed] = (await api.get("/promotions/manage/")).json()["results"]
    assert listed == promotion
    assert promotion["banner"] == promotion["banner"] | banner
    assert promotion["security"] == {
        "vpn": False, "tor": True, "proxy": True, "relay": True, "crawler": True, "strictCountryMatching": True,
    }  # fmt: skip
    assert promotion["restrictions"] == [{"product": product, "plan": "pro"}]
    assert (promotion["enabled"], promotion["groups"]) == (True, {"LOWER_MIDDLE_INCOME": 30})


async def test_what_is_wrong_is_named(api: Client, product: str) -> None:
    wrong = {
        "name": "", "restrictions": [], "groups": {"LOW_INCOME": 101},
        "countries": [{"country": "XX", "percentage": -1}],
        "banner": {"backgroundColor": "red; } body {", "fontSize": "14pt"}, "security": {"vpn": "yes"},
    }  # fmt: skip
    answer = await api.post("/promotions/manage/", wrong)
    assert (answer.status_code, sorted(answer.json())) == (
        400, ["banner", "countries", "groups", "name", "restrictions", "security"],
    )  # fmt: skip
    for restriction in ({"product": str(uuid4())}, {"product": product, "plan": "nothing"}):
        answer = await api.post("/promotions/manage/", {"name": "x", "restrictions": [restriction]})
        assert (answer.status_code, list(answer.json())) == (400, ["restrictions"])
    for id in ("nothing", str(uuid4())):
        assert (await api.get("/promotions", params={"promotion_id": id})).status_code == 404
    assert (await api.get("/promotions")).json() == {"promotion_id": ["This field is required."]}


async def test_groups_have_countries_each_in_one(api: Client) -> None:
    groups = (await api.get("/promotions/groups/")).json()["groups"]
    everywhere = [country for countries in groups.values() for country in countries]
    assert len(everywhere) == len(set(everywhere)) > 190
    assert ("IN" in groups["LOWER_MIDDLE_INCOME"], "DE" in groups["HIGH_INCOME"]) == (True, True)


async def test_percentages_are_exact(api: Client, product: str) -> None:
    promotion = await promote(api, product, countries=[{"country": "IN", "percentage": 33.3333}])
    assert Decimal(str((await seen(api, promotion, INDIA))["percentage"])) == Decimal("33.3333")
