"""Usage that is reported once its period was charged is charged with the next invoice, as if it had come in time."""

import asyncio
from typing import Any

import pytest

from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.platform.database import transaction
from kelviq_server.usage.reports import steps as reports
from kelviq_server.usage.reports.records import Report
from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, MAY, JUNE = "2031-04-01T00:00:00Z", "2031-05-01T00:00:00Z", "2031-06-01T00:00:00Z"
# The first thousand costs a cent each, whatever is beyond half of that.
TIERED = catalog.tiered((1_000, 0.01, 0), ("inf", 0.005, 0))


@pytest.fixture
async def subscription(api: Client) -> dict[str, Any]:
    """A customer who pays 20.00 a month, and for what they use."""
    await subs.freeze(api, APRIL)
    meter = await catalog.feature(api)
    used = catalog.entry(TIERED, feature=meter["id"], paymentType="PAY_AS_YOU_GO", priceModel="TIERED")
    await subs.recurring(api, "pro", 20, entries=(used,))
    await money.customer(api)
    return await subs.subscribed(api)


async def use(api: Client, value: int, at: str) -> None:
    await usage.report(api, value, "api-calls", timestamp=at)


async def last_lines(api: Client) -> list[tuple[str, int]]:
    return subs.lines_of((await subs.invoices(api))[-1])


@pytest.mark.usefixtures("subscription")
async def test_what_is_reported_late_is_charged_with_the_next_invoice_and_once(api: Client, made: Made) -> None:
    await use(api, 900, APRIL)
    await subs.advance(api, "2031-05-03T00:00:00Z")
    assert await last_lines(api) == [("Pro", 2_000), ("Pro: API Calls (used)", 900)]
    # It counts in no period but its own.
    await use(api, 300, "2031-04-30T12:00:00Z")
    assert await usage.counted(api, "api-calls") == [(None, 0, None)]
    await use(api, 10, MAY)
    await subs.advance(api, JUNE)
    # A hundred more at a cent, and two hundred at half of one: as if they had come in time.
    assert await last_lines(api) == [
        ("Pro", 2_000), ("Pro: API Calls (used)", 10), ("Pro: API Calls (used, reported late)", 200),
    ]  # fmt: skip
    late = (await subs.invoices(api))[-1]["lines"][2]
    assert (late["quantity"], late["periodStart"], late["periodEnd"]) == (
        300, "2031-04-01T00:00:00.000000Z", "2031-05-01T00:00:00.000000Z",
    )  # fmt: skip
    await subs.advance(api, "2031-07-01T00:00:00Z")
    assert await last_lines(api) == [("Pro", 2_000)]
    await money.books_balance(made)


async def test_what_is_reported_late_is_on_the_last_invoice_too(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    await subs.advance(api, "2031-05-03T00:00:00Z")
    await use(api, 300, "2031-04-30T12:00:00Z")
    await subs.cancelled(api, subscription)
    await subs.advance(api, "2031-05-04T00:00:00Z")
    assert await last_lines(api) == [("Pro: API Calls (used, reported late)", 300)]
    # Nobody is left to charge for what comes after that.
    await use(api, 300, "2031-04-30T13:00:00Z")
    await subs.advance(api, JUNE)
    assert await last_lines(api) == [("Pro: API Calls (used, reported late)", 300)]
    await money.books_balance(made)


@pytest.mark.usefixtures("subscription")
@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"timestamp": "2031-05-04 00:00:00"}, "This is in the future."),
        ({"timestamp": "2031-01-02 00:00:00"}, "This is more than 90 days ago: it is not counted any more."),
        ({"timestamp": "2031-04-30 00:00:00", "behaviour": "SET"}, "The period of this instant is over: only a DELTA"),
        ({"timestamp": "2031-04-30 00:00:00", "value": -1}, "The period of this instant is over: only a DELTA"),
        ({"timestamp": "yesterday"}, "Enter a valid instant, such as 2025-05-22 08:27:45.430732, in UTC."),
    ],
)
async def test_what_is_not_counted_any_more_or_yet_is_refused(api: Client, fields: dict[str, Any], error: str) -> None:
    await subs.advance(api, "2031-05-03T00:00:00Z")
    answer = await api.post("/report/usage/", {**usage.body(5, "api-calls", idempotencyKey="k"), **fields})
    assert (answer.status_code, answer.json()["timestamp"][0][: len(error)]) == (400, error)
    # Its key is free.
    await usage.report(api, 5, "api-calls", idempotencyKey="k")
    assert await usage.counted(api, "api-calls") == [(None, 5, None)]


@pytest.mark.usefixtures("subscription")
async def test_what_is_counted_as_its_period_ends_is_charged_with_the_next_invoice(api: Client, made: Made) -> None:
    begun, charged = asyncio.Event(), asyncio.Event()

    async def report() -> None:
        async with transaction(made.sandbox) as tx:
            begun.set()
            await charged.wait()
            [outcome] = await reports.count_all(tx, [Report("ada", feature="api-calls", value=300)])
            assert tx.now.isoformat() == "2031-04-30T23:59:59+00:00"
            assert outcome

    await subs.advance(api, "2031-04-30T23:59:59Z")
    # By its clock the period is not over yet, and that has been charged when its turn comes.
    reporting = asyncio.create_task(report())
    await begun.wait()
    await subs.advance(api, MAY)
    charged.set()
    await reporting
    await subs.advance(api, JUNE)
    assert await last_lines(api) == [("Pro", 2_000), ("Pro: API Calls (used, reported late)", 300)]
    await money.books_balance(made)


async def test_what_was_used_before_a_change_that_charged_it_is_charged_with_the_next_invoice(
    api: Client, made: Made, subscription: dict[str, Any]
) -> None:
    [meter] = (await api.get("/catalog/features/")).json()["results"]
    await subs.recurring(api, "flat", 30, granting=((meter, {"value": 1_000, "reset": "EVERY_MONTH"}),))
    await use(api, 100, APRIL)
    await subs.advance(api, "2031-04-16T00:00:00Z")
    await subs.updated(api, subscription, "flat")
    # It counts in the current period, too.
    await use(api, 300, "2031-04-15T12:00:00Z")
    assert await usage.counted(api, "api-calls") == [(1_000, 400, 600)]
    await subs.advance(api, MAY)
    assert await last_lines(api) == [
        ("Flat", 3_000), ("Pro: API Calls (used, reported late)", 300), ("Pro: API Calls (used)", 100),
    ]  # fmt: skip
    await money.books_balance(made)


@pytest.mark.usefixtures("subscription")
async def test_a_charge_that_is_not_what_was_used_is_found(api: Client, made: Made) -> None:
    await use(api, 900, APRIL)
    await subs.advance(api, "2031-05-03T00:00:00Z")
    await money.books_balance(made)
    async with transaction(made.sandbox) as tx:
        await tx.execute("UPDATE usage_charges SET quantity = 899 WHERE tenant_id = %s", (tx.tenant_id,))
    [difference] = (await verify_books(made.sandbox)).differences
    assert (difference.what, difference.expected, difference.found) == ("charged for usage", "900", "899")
