"""Merchants put our scripts into pages of their own: on another origin, in a real browser."""

import gzip
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.async_api import Browser, expect

from kelviq_server.pages.embed.routes import SCRIPTS
from tests.browser.shops import BRAZIL, INDIA, edge, visitor, website
from tests.contract.merchant import merchant
from tests.contract.server import LOOPBACK, Server, running_server

# What is called before the script is there waits, as with the hosted product's snippet.
LOADER = """<script>
  const waiting = (...given) => waiting.q.push(given);
  waiting.q = [];
  window.KQPromotionUISDK = waiting;
  const later = (name) => (...given) => new Promise((resolve, reject) => {
    const look = () => typeof KQPromotionUISDK[name] === "function"
      ? KQPromotionUISDK[name](...given).then(resolve, reject) : setTimeout(look, 20);
    look();
  });
  window.KQPromotionUI = {
    init: (options) => KQPromotionUISDK("init", options), getUpdatedPrice: later("getUpdatedPrice"),
    updatePriceElement: later("updatePriceElement"), updatePrice: later("updatePrice"),
  };
  document.head.append(Object.assign(document.createElement("script"), { src: "SCRIPT", async: true }));
</script>"""
PRICES = """
<p id="price" data-kq-price="49" data-kq-rel="pro" data-kq-show-decimal="true"><sup data-kq-currency-symbol></sup><span
  data-kq-price-integer></span><span data-kq-price-decimal-separator></span><span data-kq-price-decimal></span></p>
<p id="before" data-kq-original-price-display="49" data-kq-rel="pro"><s data-kq-price-formatted></s></p>
<p id="code" data-kq-price="99" data-kq-currency-display="code"><span data-kq-price-formatted></span></p>
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server behind a proxy of ours, which says where visitors are."""
    environment = {**LOOPBACK, "KELVIQ_TRUSTED_PROXIES": '["127.0.0.0/8"]'}
    with running_server(tmp_path_factory.mktemp("embedding"), environment=environment) as server:
        yield server


@pytest.fixture(scope="module")
def shop(server: Server) -> Iterator[dict[str, str]]:
    """A product with plans and a promotion of them; gives the ids that a page names."""
    with (
        merchant(server.url, server.sandbox.server) as api,
        edge(server.url, INDIA) as india,
        edge(server.url, BRAZIL) as brazil,
    ):

        def made(path: str, body: dict[str, Any]) -> Any:
            return api.post(path, json=body).raise_for_status().json()

        product = made("/catalog/products/", {"name": "Lumen Notes", "taxCode": "saas"})["id"]
        sync = made("/catalog/features/", {"name": "Sync", "identifier": "sync", "featureType": "BOOLEAN"})["id"]
        charges = [{"chargePeriod": period, "priceData": {"amount": amount}} for period, amount in (
            ("MONTHLY", 19), ("YEARLY", 190),
        )]  # fmt: skip
        paid = {"priceType": "PAID", "currency": "USD", "chargeCatalogPrice": [{"charges": charges}]}
        for plan, price in (("free", {"priceType": "FREE", "currency": "USD"}), ("pro", paid)):
            described = {
                "name": plan.title(),
                "identifier": plan,
                "product": product,
                "description": f"The {plan} one.",
            }
            made("/catalog/plans/", described)
            made(f"/catalog/plans/{plan}/prices/bulk/", {"prices": [price]})
            if plan == "pro":
                granted = [{"feature": sync, "details": {"value": True}}]
                made(f"/catalog/plans/{plan}/features/", {"planEntitlements": granted})
            made(f"/catalog/plans/{plan}/publish/", {})
        message = "<p>Hi {country_flag} {country}, <b>{coupon_code}</b> takes <u>{discount_percentage}% off</u></p>"
        hostile = (
            '<img src=x onerror="window.wrong=1"><script>window.wrong=1</script><a href="javascript:wrong()">x</a>'
        )
        promotion = made("/promotions/manage/", {
            "name": "PPP", "restrictions": [{"product": product}], "countries": [{"country": "IN", "percentage": 40}],
            "banner": {"countryMessage": message + hostile, "highlightFontColor": "#00ff00"},
        })["id"]  # fmt: skip
        yield {
            "india": india, "brazil": brazil, "token": server.sandbox.client, "product": product,
            "promotion": promotion,
        }  # fmt: skip


def page(shop: dict[str, str], body: str, options: str = "", where: str = "india") -> tuple[str, str]:
    """Return the body and the head of a page that shows the promotion to somebody there."""
    head = LOADER.replace("SCRIPT", shop[where] + "/js/promotions.js")
    init = f'KQPromotionUI.init({{promotionId: "{shop["promotion"]}", accessToken: "{shop["token"]}"{options}}})'
    return f"{body}<script>{init}</script>", head


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_small_cached_and_open_to_every_page(server: Server, name: str) -> None:
    answer = httpx.get(f"{server.url}/js/{name}")
    assert len(gzip.compress(answer.content)) < 12_000
    assert (answer.headers["access-control-allow-origin"], answer.headers["cross-origin-resource-policy"]) == (
        "*", "cross-origin",
    )  # fmt: skip
    again = httpx.get(f"{server.url}/js/{name}", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert httpx.get(f"{server.url}/js/../embed/routes.py").status_code == 404
    assert httpx.get(f"{server.url}/js/routes.py").status_code == 404


async def test_a_visitor_sees_their_discount_and_their_prices(browser: Browser, shop: dict[str, str]) -> None:
    body, head = page(shop, PRICES)
    with website(body, head) as url:
        async with visitor(browser) as tab:
            await tab.goto(url)
            banner = tab.get_by_role("region", name="Discount")
            await expect(banner).to_contain_text("India, KQ")
            await expect(banner).to_contain_text("takes 40% off")
            assert "\U0001f1ee\U0001f1f3" in await banner.inner_text()
            await expect(banner.locator("b")).to_have_css("color", "rgb(0, 255, 0)")
            # What is hostile in a message is text, or nothing.
            assert await tab.evaluate("window.wrong") is None
            assert await banner.locator("img, script, a[href]").count() == 0
            assert await tab.locator("#price").inner_text() == "$29.40"
            await expect(tab.locator("#before")).to_have_text("$49")
            assert "USD" in await tab.locator("#code").inner_text()
            assert await tab.evaluate("document.body.className") == "kq-discount-applied kq-has-parity-banner"
            await tab.get_by_role("button", name="Close").click()
            await expect(banner).to_have_count(0)
            await tab.reload()
            await expect(tab.locator("#before")).to_be_visible()
            await expect(banner).to_have_count(0)


async def test_who_gets_nothing_sees_the_page_as_it_is(browser: Browser, shop: dict[str, str]) -> None:
    body, head = page(shop, PRICES, where="brazil")
    with website(body, head) as url:
        async with visitor(browser) as tab:
            await tab.goto(url)
            await expect(tab.locator("#price")).to_have_text("$49.00")
            await expect(tab.locator("#before")).to_be_hidden()
            await expect(tab.get_by_role("region", name="Discount")).to_have_count(0)
            assert await tab.evaluate("document.body.className") == ""


async def test_a_page_asks_for_prices_itself(browser: Browser, shop: dict[str, str]) -> None:
    body, head = page(shop, '<p id="own"></p>', ", showBanner: false")
    with website(body, head) as url:
        async with visitor(browser) as tab:
            await tab.goto(url)
            price = await tab.evaluate("KQPromotionUI.getUpdatedPrice(100, {showDecimal: true})")
            assert (price["price"], price["formattedPrice"], price["apiResponse"]["countryCode"]) == (
                60,
                "$60.00",
                "IN",
            )
            parts = (price["integerPart"], price["decimalSeparator"], price["decimalPart"], price["currencySymbol"])
            assert parts == ("60", ".", "00", "$")
            await tab.evaluate(
                """KQPromotionUI.updatePrice([{element: document.getElementById("own"), price: 29,
                   options: {showDecimal: true}, template: "<b>{{formattedPrice}}</b> a month"}])"""
            )
            assert await tab.locator("#own").inner_html() == "<b>$17.40</b> a month"


async def test_a_table_of_prices_leads_to_checkout(browser: Browser, shop: dict[str, str]) -> None:
    table = f'<div data-kq-pricing-table data-product-id="{shop["product"]}" data-access-token="{shop["token"]}"></div>'
    script = f'<script src="{shop["india"]}/js/pricing-table.js" async></script>'
    with website(f"<h1>Prices</h1>{table}", script) as url:
        async with visitor(browser, width=360) as tab:
            await tab.goto(url)
            await expect(tab.get_by_role("heading", name="Free")).to_be_visible()
            await expect(tab.get_by_text("$19", exact=True)).to_be_visible()
            await expect(tab.get_by_text("a month · about ₹1,830")).to_be_visible()
            await expect(tab.get_by_text("Sync")).to_be_visible()
            assert await tab.evaluate("document.documentElement.scrollWidth") <= 360
            await tab.get_by_text("Yearly").click()
            await expect(tab.get_by_text("$190", exact=True)).to_be_visible()
            await tab.get_by_role("button", name="Get started: Pro").click()
            await tab.wait_for_url(f"{shop['india']}/checkout/cs_*/")
            await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $190.00")


async def test_a_page_may_do_something_else_with_what_is_chosen(browser: Browser, shop: dict[str, str]) -> None:
    script = f'<script src="{shop["india"]}/js/pricing-table.js"></script>'
    body = f"""<div id="table"></div><script>
      document.addEventListener("kq:choose", (event) => {{ event.preventDefault(); window.chosen = event.detail; }});
      KQPricingTable.render(document.getElementById("table"),
        {{productId: "{shop["product"]}", accessToken: "{shop["token"]}", plans: ["pro"], buttonText: "Buy"}});
    </script>"""
    with website(body, script) as url:
        async with visitor(browser) as tab:
            await tab.goto(url)
            await tab.get_by_role("button", name="Buy: Pro").click()
            assert await tab.evaluate("[chosen.plan.identifier, chosen.chargePeriod]") == ["pro", "MONTHLY"]
            await expect(tab.get_by_role("heading", name="Free")).to_have_count(0)


async def test_without_prices_it_says_so(browser: Browser, shop: dict[str, str]) -> None:
    script = f'<script src="{shop["india"]}/js/pricing-table.js"></script>'
    body = (
        f'<div data-kq-pricing-table data-product-id="{shop["promotion"]}" data-access-token="{shop["token"]}"></div>'
    )
    with website(body, script) as url:
        context = await browser.new_context()
        tab = await context.new_page()
        await tab.goto(url)
        await expect(tab.get_by_role("alert")).to_contain_text("The prices cannot be shown right now.")
        await context.close()
