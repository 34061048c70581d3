"""Every state of the hosted page can be read, and fits, on a narrow and a wide window, by day and by night."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import product
from typing import Literal

from playwright.async_api import Browser, Page, expect

from tests.browser.buying import AUTHENTICATES, DECLINED_LATER, THANKS, describe, shop, type_card
from tests.browser.looks import looks_right
from tests.contract.server import Server

SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@asynccontextmanager
async def somebody(browser: Browser) -> AsyncIterator[Page]:
    """Open a window that remembers nothing, and in which colours change at once."""
    context = await browser.new_context(reduced_motion="reduce")
    yield await context.new_page()
    await context.close()


async def looks_right_everywhere(tab: Page, states: Sequence[str] = ()) -> None:
    """Fail where the page, with this in it, has a fault in any window."""
    for text in states:
        await expect(tab.get_by_text(text)).to_be_visible()
    for width, scheme in product((360, 1280), SCHEMES):
        await tab.set_viewport_size({"width": width, "height": 800})
        await tab.emulate_media(color_scheme=scheme)
        await looks_right(tab)


async def test_the_form_and_its_faults(server: Server, sandbox: str, browser: Browser) -> None:
    with shop(server, sandbox) as sells:
        async with somebody(browser) as tab:
            await tab.goto(sells.session(customerId="ada", discountCode="LAUNCH", trialPeriod=14))
            await looks_right_everywhere(tab)
            await tab.locator("#pay").click()
            await looks_right_everywhere(tab, ["Please check what is marked below."])


async def test_a_payment_and_all_that_may_become_of_it(server: Server, sandbox: str, browser: Browser) -> None:
    with shop(server, sandbox) as sells:
        async with somebody(browser) as tab:
            await tab.goto(sells.opened())
            await describe(tab)
            await type_card(tab, DECLINED_LATER)
            pay = tab.locator("#pay")
            await expect(pay).to_have_text("Subscribe and pay $35.70")
            await pay.click()
            await looks_right_everywhere(tab, ["The payment was declined."])
            await type_card(tab, AUTHENTICATES)
            await pay.click()
            await looks_right_everywhere(tab, ["Your bank asks you to confirm"])
            await tab.get_by_role("button", name="Refuse").click()
            await looks_right_everywhere(tab, ["The payment was not authenticated."])
            await type_card(tab, AUTHENTICATES)
            await pay.click()
            await tab.get_by_role("button", name="Approve").click()
            await looks_right_everywhere(tab, [THANKS])
            sells.api.post("/refunds/", json={"orderId": sells.api.get("/orders/").json()["results"][0]["id"]})
            await tab.reload()
            await looks_right_everywhere(tab, ["This order was refunded"])


async def test_what_is_over_and_what_never_was(server: Server, sandbox: str, browser: Browser) -> None:
    with shop(server, sandbox) as sells:
        async with somebody(browser) as tab:
            address = sells.session(cancelUrl=f"{sells.url}/healthz")
            sells.api.post("/sandbox/clock/", json={"advance": {"days": 2}}).raise_for_status()
            await tab.goto(address)
            await looks_right_everywhere(tab, ["This checkout has expired"])
            await tab.goto(f"{sells.url}/checkout/cs_x/")
            await looks_right_everywhere(tab, ["There is nothing here"])
