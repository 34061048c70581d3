"""Somebody buys on the hosted page, in a real browser."""

from playwright.async_api import Browser, Page, expect

from tests.browser.buying import AUTHENTICATES, DECLINED_LATER, THANKS, describe, shop, type_card
from tests.browser.looks import looks_right
from tests.contract.server import Server


async def test_totals_follow_what_is_chosen_and_that_is_what_is_paid(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.link)
        pay = tab.locator("#pay")
        await expect(pay).to_have_text("Subscribe and pay $30.00")
        await type_card(tab)
        await tab.get_by_label("Seats").fill("3")
        await expect(pay).to_have_text("Subscribe and pay $50.00")
        await tab.get_by_text("Yearly").click()
        await expect(pay).to_have_text("Subscribe and pay $500.00")
        await tab.get_by_label("Discount code").fill("nothing")
        await tab.get_by_label("Discount code").press("Enter")
        await expect(tab.get_by_text("There is no such discount code.")).to_be_visible()
        await tab.get_by_label("Discount code").fill("launch")
        await tab.get_by_role("button", name="Apply").click()
        await expect(pay).to_have_text("Subscribe and pay $250.00")
        await describe(tab)
        await expect(tab.get_by_text("VAT 19 %")).to_be_visible()
        await expect(pay).to_have_text("Subscribe and pay $297.50")
        await expect(tab.locator("#said")).to_contain_text("Due today: $297.50.")
        assert await tab.get_by_label("Card number").input_value() == "4242 4242 4242 4242", "the card stays as typed"
        await looks_right(tab)
        await tab.get_by_label("Security code").press("Enter")
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        await expect(tab.get_by_text("$297.50")).to_be_visible()
        assert sells.paid() == ["297.50"]
        await tab.reload()
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()


async def test_a_card_that_fails_and_then_one_that_asks(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.session())
        await describe(tab)
        await type_card(tab, DECLINED_LATER)
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $35.70")
        await tab.locator("#pay").click()
        await expect(tab.get_by_text("The payment was declined.")).to_be_visible()
        number = tab.get_by_label("Card number")
        await expect(number).to_be_focused()
        assert await number.input_value() == "", "a card is never shown again"
        assert await number.get_attribute("aria-describedby") == "card_number-error"
        await expect(tab.get_by_label("E-mail")).to_have_value("grace@example.com")
        await looks_right(tab)
        await type_card(tab, AUTHENTICATES)
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("heading", name="Confirm your payment")).to_be_visible()
        await looks_right(tab)
        # Whoever goes back, or opens the page once more, is asked about the same payment.
        other = await tab.context.new_page()
        await other.goto(tab.url)
        await expect(other.get_by_role("heading", name="Confirm your payment")).to_be_visible()
        await other.get_by_role("button", name="Approve").click()
        await other.wait_for_url("**/healthz")
        await tab.get_by_role("button", name="Approve").click()
        await tab.wait_for_url("**/healthz")
        assert sells.paid() == ["35.70"]


async def test_whoever_presses_twice_or_goes_back_pays_once(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.link)
        await describe(tab)
        await type_card(tab)
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $35.70")
        await tab.locator("#pay").dblclick()
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        await tab.go_back()
        await tab.go_forward()
        assert sells.paid() == ["35.70"]


async def test_what_is_missing_is_marked_and_gets_the_focus(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        await tab.goto(sells.session())
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("alert")).to_contain_text("Please check what is marked below.")
        await expect(tab.get_by_label("E-mail")).to_be_focused()
        await expect(tab.get_by_label("Country")).to_have_attribute("aria-invalid", "true")
        await tab.get_by_label("Country").select_option("US")
        await expect(tab.get_by_label("State")).to_be_visible()
        await expect(tab.get_by_label("ZIP code")).to_be_visible()


async def test_it_is_bought_without_scripts_too(server: Server, sandbox: str, browser: Browser) -> None:
    context = await browser.new_context(java_script_enabled=False)
    tab = await context.new_page()
    with shop(server, sandbox) as sells:
        await tab.goto(sells.link)
        await tab.get_by_label("Seats").fill("2")
        await tab.get_by_role("button", name="Update the total").click()
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $40.00")
        await describe(tab)
        await type_card(tab)
        await tab.locator("#pay").click()
        await expect(tab.get_by_text("Look at the new total and pay again.")).to_be_visible()
        await expect(tab.locator("#pay")).to_have_text("Subscribe and pay $47.60")
        await type_card(tab)
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("heading", name=THANKS)).to_be_visible()
        assert sells.paid() == ["47.60"]
    await context.close()


async def test_who_comes_back_after_a_day_is_told_so(server: Server, sandbox: str, tab: Page) -> None:
    with shop(server, sandbox) as sells:
        address = sells.session(cancelUrl=f"{sells.url}/healthz")
        await tab.goto(address)
        await describe(tab)
        await type_card(tab)
        sells.api.post("/sandbox/clock/", json={"advance": {"days": 2}}).raise_for_status()
        await tab.locator("#pay").click()
        await expect(tab.get_by_role("heading", name="This checkout has expired")).to_be_visible()
        await expect(tab.get_by_role("link", name="Back to")).to_be_visible()
        await looks_right(tab)
        assert sells.paid() == []
