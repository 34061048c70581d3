"""Somebody chooses on the hosted page, by mouse and by keyboard alone, in a real browser."""

from playwright.async_api import Page, expect

from tests.browser.buying import THANKS, VISA, describe, shop, type_card
from tests.contract.server import Server

# What somebody sees of where they are: the label of what has the focus, or its text.
FOCUSED = """() => {
  const each = document.activeElement;
  return (each.labels?.[0] ?? each).textContent.trim().replace(/\\s+/g, ' ');
}"""


async def tab_to(tab: Page, name: str) -> None:
    """Press Tab until something with this name has the focus, and see that it shows."""
    for _ in range(30):
        await tab.keyboard.press("Tab")
        if (await tab.evaluate(FOCUSED)).startswith(name):
            outline = "getComputedStyle(document.activeElement).outlineStyle"
            assert await tab.evaluate(outline) != "none", f"{name} does not show that it has the focus"
            return
    raise AssertionError(f"Tab does not lead to {name}")


async def test_totals_follow_the_plan_and_the_period(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.opened())
        pay, card = tab.locator("#pay"), tab.get_by_label("Card number")
        total = tab.locator(".amounts .total td")
        await describe(tab)
        await expect(pay).to_have_text("Subscribe and pay $35.70")
        await tab.get_by_text("Yearly").click()
        await expect(pay).to_have_text("Subscribe and pay $357.00")
        await expect(total).to_have_text("$357.00")
        await expect(tab.locator(".later")).to_contain_text("$357.00 every year")
        await tab.get_by_text("Free", exact=True).first.click()
        await expect(pay).to_have_text("Complete order")
        await expect(total).to_have_text("$0.00")
        await expect(card).to_have_count(0)
        await expect(tab.get_by_label("Seats")).to_have_count(0)
        await tab.get_by_text("Pro", exact=True).click()
        await expect(card).to_be_visible()
        await tab.get_by_text("Monthly").click()
        await expect(pay).to_have_text("Subscribe and pay $35.70")
        await expect(tab.get_by_label("E-mail")).to_have_value("grace@example.com")
        await type_card(tab)
        await pay.click()
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        assert sells.paid() == ["35.70"]


async def test_the_keyboard_alone_leads_from_the_top_to_having_paid(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.opened())
        pay, keyboard = tab.locator("#pay"), tab.keyboard
        await keyboard.press("Tab")
        assert await tab.evaluate(FOCUSED) == "Skip to the form"
        await tab_to(tab, "Pro")
        await tab_to(tab, "Monthly")
        await keyboard.press("ArrowDown")
        await expect(pay).to_have_text("Subscribe and pay $300.00")
        assert (await tab.evaluate(FOCUSED)).startswith("Yearly"), "the focus stays where it was"
        await tab_to(tab, "Seats")
        await keyboard.press("ArrowUp")
        await expect(pay).to_have_text("Subscribe and pay $400.00")
        await tab_to(tab, "Discount code")
        await keyboard.type("LAUNCH")
        await keyboard.press("Enter")
        await expect(pay).to_have_text("Subscribe and pay $200.00")
        for name, text in (("E-mail", "grace@example.com"), ("Name", "Grace Hopper"), ("Country", "Germany")):
            await tab_to(tab, name)
            await keyboard.type(text)
        for name, text in (("Card number", VISA), ("Expires", "1239"), ("Security code", "123")):
            await tab_to(tab, name)
            await keyboard.type(text)
        await expect(pay).to_have_text("Subscribe and pay $238.00")
        await tab_to(tab, "Subscribe and pay")
        await keyboard.press("Enter")
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        assert sells.paid() == ["238.00"]
