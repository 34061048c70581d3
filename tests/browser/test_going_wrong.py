"""What goes wrong is said where its buyer looks, in a real browser."""

import asyncio

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.browser.buying import THANKS, describe, shop, type_card
from tests.browser.looks import looks_right
from tests.contract.server import Server


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


async def test_a_total_that_is_not_up_to_date_says_so_until_it_is(
    server: Server, sandbox: str, browser: Browser
) -> None:
    context = await browser.new_context(viewport={"width": 360, "height": 800})
    tab = await context.new_page()
    with shop(server, sandbox) as sells:
        await tab.goto(sells.opened())
        notes, pay = tab.get_by_text("The total is not up to date."), tab.locator("#pay")
        await context.set_offline(True)
        await tab.get_by_label("Seats").fill("3")
        # Beside the total and beside the details, and once for who only listens.
        await expect(notes).to_have_count(3)
        await expect(tab.locator("#said")).to_contain_text("The server did not answer.")
        await expect(tab.locator("[data-live=totals] .stale")).to_be_visible()
        await expect(tab.locator("[data-live=alert] .stale")).to_be_visible()
        await looks_right(tab)
        await context.set_offline(False)
        # Whoever goes on all the same pays nothing that was not shown.
        await describe(tab)
        await expect(notes).to_have_count(0)
        await expect(pay).to_have_text("Subscribe and pay $59.50")
        await context.clear_cookies()
        await tab.get_by_text("Yearly").click()
        await expect(tab.locator("[data-live=totals] .stale")).to_contain_text("Allow cookies for this site")
        await expect(pay).to_have_text("Subscribe and pay $59.50")
    await context.close()


async def test_a_form_whose_total_is_not_up_to_date_can_be_sent(server: Server, sandbox: str, browser: Browser) -> None:
    context = await browser.new_context()
    tab = await context.new_page()
    with shop(server, sandbox) as sells:
        await tab.goto(sells.opened())
        await describe(tab)
        await type_card(tab)
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $35.70")

        async def fail(route: Route) -> None:
            is_update = "do=update" in (route.request.post_data or "")
            await (route.abort() if is_update else route.continue_())

        await tab.route("**/checkout/*/", fail)
        await tab.get_by_label("Seats").fill("3")
        await expect(tab.locator("[data-live=totals] .stale")).to_be_visible()
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("alert")).to_contain_text("Look at the new total and pay again.")
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $59.50")
        await tab.unroute_all()
        await type_card(tab)
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        assert sells.paid() == ["59.50"]
    await context.close()
