"""A subscription is over while things are owed: what it was to credit is given, and no bank is asked for the rest."""

from typing import Any

import pytest

from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.db.test_pay_as_you_go import TIERED, sell
from tests.make import Made
from tests.stories.test_a_customer_pays_what_is_owed import page_of, statuses

APRIL, HALF, MAY, JUNE = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01"))
NEXT = {"prorationBehavior": "PRORATE_NEXT_INVOICE"}
OVER = "This invoice is void"


@pytest.fixture
async def plans(api: Client) -> None:
    """Three plans, of 100.00, 200.00 and 900.00 a month."""
    await subs.freeze(api, APRIL)
    await subs.recurring(api, yearly=1000)
    await subs.recurring(api, "team", 200)
    await subs.recurring(api, "huge", 900)


async def end(api: Client, record: dict[str, Any], is_given_up: bool) -> None:
    """Let a subscription end that owes something: it is cancelled, or retried until nobody asks any more."""
    if is_given_up:
        await subs.advance(api, JUNE)
    else:
        await subs.cancelled(api, record)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("is_given_up", [True, False])
async def test_what_waited_for_a_renewal_that_nobody_paid_is_credited(
    api: Client, made: Made, is_given_up: bool
) -> None:
    await money.customer(api)
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    # Half of 200.00 paid is left, of which half of 100.00 is used up.
    pro = await subs.updated(api, team, "pro", **NEXT)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, MAY)
    assert (await statuses(api, pro), await subs.credit(api)) == (["past_due"], 0)
    await end(api, pro, is_given_up)
    assert (await statuses(api, pro), await subs.credit(api)) == (["canceled"], 5_000)
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_waited_for_an_upgrade_that_nobody_paid_is_credited(api: Client, made: Made) -> None:
    await money.customer(api)
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    pro = await subs.updated(api, team, "pro", **NEXT)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    huge = await subs.updated(api, pro, "huge")
    await subs.advance(api, JUNE)
    assert (await statuses(api, huge), await subs.credit(api)) == (["canceled"], 5_000)
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
@pytest.mark.parametrize("is_given_up", [True, False])
async def test_what_still_waits_when_a_year_is_not_paid_is_credited(api: Client, made: Made, is_given_up: bool) -> None:
    await money.customer(api)
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    pro = await subs.updated(api, team, "pro", "YEARLY", **NEXT)
    assert await statuses(api, pro) == ["past_due"]
    await end(api, pro, is_given_up)
    # Half of the month of 200.00.
    assert (await statuses(api, pro), await subs.credit(api)) == (["canceled"], 10_000)
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_what_was_credited_by_a_renewal_that_is_paid_after_all_is_not_credited_again(
    api: Client, made: Made
) -> None:
    await money.customer(api)
    team = await subs.subscribed(api, "team")
    await subs.advance(api, HALF)
    pro = await subs.updated(api, team, "pro", **NEXT)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, MAY)
    await money.only_card(api, "ada")
    await subs.advance(api, "2031-05-03T00:00:00Z")
    assert (await statuses(api, pro), await subs.paid(api)) == (["active"], [20_000, 5_000])
    await money.only_card(api, "ada", money.DECLINED_LATER)
    await subs.advance(api, "2031-07-01T00:00:00Z")
    assert (await statuses(api, pro), await subs.credit(api)) == (["canceled"], 0)
    await money.books_balance(made)


@pytest.mark.usefixtures("plans")
async def test_every_bank_that_was_asked_is_told_to_forget_it(api: Client, made: Made) -> None:
    await money.customer(api)
    await subs.recurring(api, "weekly", 10, periods=("WEEKLY",))
    weekly = await subs.subscribed(api, "weekly", "WEEKLY")
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    pages: list[Any] = []
    for day in ("04-08", "04-15"):
        await subs.advance(api, f"2031-{day}T00:00:00Z")
        pages.append(await page_of(api))
    for page in pages:
        await page.pay_with_saved()
        assert await page.shows() == "Confirm your payment"
    await subs.cancelled(api, weekly)
    await subs.advance(api, JUNE)
    assert [await page.shows() for page in pages] == [OVER, OVER]
    await pages[1].answer("approve")
    assert await subs.paid(api) == [1_000]
    await money.books_balance(made)


@pytest.mark.parametrize("is_now", [True, False])
async def test_a_last_invoice_is_paid_and_an_older_bank_s_page_is_called_off(
    api: Client, made: Made, is_now: bool
) -> None:
    await subs.freeze(api, APRIL)
    await sell(api, "pro", 20, TIERED, await catalog.feature(api), priceModel="TIERED")
    await money.customer(api)
    pro = await subs.subscribed(api)
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    await subs.advance(api, MAY)
    if not is_now:
        await subs.cancelled(api, pro, "SPECIFIC_DATE", "2031-05-02")
    await subs.advance(api, "2031-05-01T12:00:00Z")
    page = await page_of(api)
    await page.pay_with_saved()
    await money.only_card(api, "ada")
    await usage.report(api, 5_000_000, "api-calls", timestamp="2031-05-01T06:00:00Z")
    if is_now:
        await subs.cancelled(api, pro)
    await subs.advance(api, JUNE)
    assert (await statuses(api, pro), await subs.paid(api)) == (["canceled"], [2_000, 98_000])
    assert await page.shows() == OVER
    await page.answer("approve")
    assert await subs.paid(api) == [2_000, 98_000]
    await money.books_balance(made)
