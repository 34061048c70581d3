"""What goes wrong is said where its buyer looks, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.buying import THANKS, describe, shop, type_card
from tests.browser.looks import looks_right
from tests.contract.conftest import sandbox, server
from tests.contract.server import Server

__all__ = ["sandbox", "server"]


async def test_what_changed_since_a_session_was_opened_is_said_at_once(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        address = sells.session(discountCode="LAUNCH")
        [discount] = sells.api.get("/discounts/").json()["results"]
        sells.api.patch(f"/discounts/{discount['id']}/", json={"enabled": False}).raise_for_status()
        await tab.goto(address)
        code = tab.get_by_label("Discount code")
        await expect(code).to_have_value("LAUNCH")
        await expect(code).to_be_focused()
        await expect(code).to_have_attribute("aria-invalid", "true")
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $30.00")
        await looks_right(tab)
        for plan in ("pro", "free"):
            sells.api.delete(f"/catalog/plans/{plan}/").raise_for_status()
        await tab.reload()
        await expect(tab.get_by_role("alert")).to_have_text("Nothing of this product is for sale.")
        await expect(tab.get_by_role("alert")).to_be_focused()
        await expect(tab.get_by_role("textbox")).to_have_count(0)
        await looks_right(tab)


@pytest.mark.parametrize("is_one_session", [True, False])
async def test_two_tabs_that_are_opened_at_once_can_both_pay(
    server: Server, sandbox: str, tab: Page, is_one_session: bool
) -> None:
    """As a browser does that restores its tabs: each asks for its page before the other has its cookie."""
    with shop(server, sandbox) as sells:
        addresses = [sells.opened(), sells.opened()]
        addresses = [addresses[0]] * 2 if is_one_session else addresses
        tabs = [tab, await tab.context.new_page()]
        both = asyncio.Barrier(2)

        async def together(route: Route) -> None:
            await both.wait()
            await route.continue_()

        for each in tabs:
            await each.route("**/checkout/*/", together, times=1)
        await asyncio.gather(*(each.goto(address) for each, address in zip(tabs, addresses, strict=True)))
        for each in tabs:
            await describe(each)
            await expect(each.locator("#pay")).to_have_text("Subscribe and pay $35.70")
        for each in tabs:
            await each.bring_to_front()
            await type_card(each)
            await each.locator("#pay").click()
            await expect(each.get_by_role("heading", name=THANKS)).to_be_visible()
        assert sells.paid() == ["35.70"] * len(set(addresses))
