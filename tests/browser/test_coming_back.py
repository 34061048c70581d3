"""Whoever has paid goes on to the merchant's page, wherever that is, in a real browser."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.buying import AUTHENTICATES, VISA, describe, shop, type_card
from tests.browser.shops import leading_to, website
from tests.contract.server import Server


async def pay(tab: Page, number: str = VISA) -> None:
    await describe(tab)
    await type_card(tab, number)
    await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $35.70")
    await tab.locator("#pay").click()


@pytest.mark.parametrize("number", [VISA, AUTHENTICATES])
async def test_who_has_paid_gets_to_a_page_that_leads_on_to_another_origin(
    server: Server, sandbox: str, tab: Page, number: str
) -> None:
    with shop(server, sandbox) as sells, website("<h1>Welcome</h1>") as shop_url, leading_to(shop_url) as moved:
        await tab.goto(sells.session(successUrl=f"{moved}/done?a='1'&b=%20"))
        await pay(tab, number)
        if number == AUTHENTICATES:
            await tab.get_by_role("button", name="Approve").click()
        await expect(tab.get_by_role("heading", name="Welcome")).to_be_visible()
        assert sells.paid() == ["35.70"]
        # The page that led there is none to come back to: whoever goes back is led there once more, and pays nothing.
        await tab.go_back()
        await expect(tab.get_by_role("heading", name="Welcome")).to_be_visible()
        assert sells.paid() == ["35.70"]


async def test_without_scripts_they_get_there_too(server: Server, sandbox: str, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    tab = await context.new_page()
    with shop(server, sandbox) as sells, website("<h1>Welcome</h1>") as shop_url, leading_to(shop_url) as moved:
        await tab.goto(sells.session(successUrl=moved))
        await describe(tab)
        await tab.get_by_role("button", name="Update the total").click()
        await type_card(tab)
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("heading", name="Welcome")).to_be_visible()
    await context.close()
