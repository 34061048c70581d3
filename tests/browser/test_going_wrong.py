"""What goes wrong is said where its buyer looks, in a real browser."""

from playwright.async_api import Page, expect

from tests.browser.buying import shop
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
