"""What was used is charged when its period is over, or when nobody would charge it any more: once, and to the cent."""

from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest

from kelviq_server.platform.database import reading
from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made
from tests.stories.test_a_customer_pays_what_is_owed import page_of

# April has thirty days: half of it is left.
APRIL, HALF, MAY, JUNE, JULY = (f"2031-{day}T00:00:00Z" for day in ("04-01", "04-16", "05-01", "06-01", "07-01"))
# The first 100,000 are free.
TIERED = catalog.tiered((100_000, 0, 0), ("inf", 0.0002, 0))
USED = "Pro: API Calls (used)"


@dataclass
class Meter:
    """Reports what is used, as time comes to it."""

    api: Client
    to_come: list[tuple[datetime, int]] = field(default_factory=list[tuple[datetime, int]])

    def use(self, at: str, quantity: int) -> None:
        """Let so much be used."""
        self.to_come.append((datetime.fromisoformat(at), quantity))

    async def advance(self, to: str) -> None:
        """Move the clock, and report on the way what is used."""
        for at, quantity in sorted(self.to_come):
            if at > datetime.fromisoformat(to):
                continue
            self.to_come.remove((at, quantity))
            if at > datetime.fromisoformat((await self.api.get("/sandbox/clock/")).json()["now"]):
                await subs.advance(self.api, at.isoformat())
            await usage.report(self.api, quantity, "api-calls", timestamp=at.isoformat())
        await subs.advance(self.api, to)


@pytest.fixture
def meter(api: Client) -> Meter:
    """What a merchant's server reports."""
    return Meter(api)


async def charged(made: Made) -> list[tuple[str, str]]:
    """Return the periods of which usage was charged, the earliest first."""
    async with reading(made.sandbox) as tx:
        return await tx.value(
            "SELECT array_agg(ARRAY[to_char(period_start, 'YYYY-MM-DD'), to_char(period_end, 'YYYY-MM-DD')]"
            " ORDER BY period_start) FROM usage_charges WHERE tenant_id = %s",
            (tx.tenant_id,),
        )


@pytest.fixture
async def calls(api: Client) -> dict[str, Any]:
    """The feature that is metered by the plan `pro`, which costs 20.00 a month besides."""
    await subs.freeze(api, APRIL)
    feature = await catalog.feature(api)
    await sell(api, "pro", 20, TIERED, feature, priceModel="TIERED")
    await subs.recurring(api, "flat", 60, yearly=600)
    await money.customer(api)
    return feature


async def sell(
    api: Client, identifier: str, base: int | None, charge: dict[str, Any], feature: dict[str, Any], **fields: Any
) -> None:
    """Publish a plan of which a feature is paid by what was used of it."""
    if identifier != "pro" or (await api.get("/catalog/plans/pro/")).status_code == 404:
        await catalog.plan(api, identifier)
    entries = [] if base is None else [catalog.entry(catalog.charge(amount=base))]
    used = catalog.entry(charge, feature=feature["id"], paymentType="PAY_AS_YOU_GO", **fields)
    await catalog.set_prices(api, identifier, catalog.price(*entries, used))
    await catalog.publish(api, identifier, updatePricing=True)


async def lines(api: Client) -> list[list[tuple[str, int]]]:
    """Return what each invoice is for, and what its lines come to."""
    return [subs.lines_of(invoice) for invoice in await subs.invoices(api)]


@pytest.mark.usefixtures("calls")
async def test_a_month_s_usage_is_charged_with_the_next_month(api: Client, made: Made, meter: Meter) -> None:
    created = await subs.subscribed(api)
    assert created["amount"] == "20.00"
    # As a month begins belongs to it, not to the one that ends.
    meter.use("2031-03-31T23:59:59Z", 1_000_000)
    meter.use("2031-04-01T00:00:00Z", 70_000)
    meter.use("2031-04-30T23:59:59Z", 50_000)
    meter.use("2031-05-01T00:00:00Z", 80_000)
    meter.use("2031-06-11T00:00:00Z", 100_049)
    await meter.advance(JULY)
    # Of 120,000 the first are free, and so are the 80,000 of May; a quarter of a cent is none.
    assert await lines(api) == [
        [("Pro", 2_000)], [("Pro", 2_000), (USED, 400)], [("Pro", 2_000)], [("Pro", 2_000), (USED, 1)],
    ]  # fmt: skip
    assert await subs.paid(api) == [2_000, 2_400, 2_000, 2_001]
    line = (await subs.invoices(api))[1]["lines"][1]
    assert (line["quantity"], line["unitPrice"], line["periodStart"], line["periodEnd"]) == (
        120_000,
        None,
        "2031-04-01T00:00:00.000000Z",
        "2031-05-01T00:00:00.000000Z",
    )
    # Each month was asked for, and none of them twice.
    assert await charged(made) == [[start[:10], end[:10]] for start, end in pairwise((APRIL, MAY, JUNE, JULY))]
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("model", "charge", "quantity", "expected"),
    [
        ("FLAT", catalog.charge(amount=0.001), 1_234_567, 123_457),
        ("PACKAGE", {"chargePeriod": "MONTHLY", "priceData": {"amount": 2, "blockSize": 10_000}}, 25_001, 600),
        ("VOLUME", catalog.tiered((100_000, 0.01, 0), ("inf", 0.007, 0)), 100_001, 70_001),
        ("TIERED", catalog.tiered((10, 1, 5), ("inf", 0.5, 0)), 20, 2_000),
    ],
)
async def test_usage_is_all_that_is_paid(
    api: Client, made: Made, meter: Meter, model: str, charge: dict[str, Any], quantity: int, expected: int
) -> None:
    await subs.freeze(api, APRIL)
    await sell(api, "pro", None, charge, await catalog.feature(api), priceModel=model)
    await money.customer(api, billingAddress={"country": "DE"})
    created = await subs.subscribed(api)
    assert (created["status"], created["amount"]) == ("active", "0.00")
    meter.use(HALF, quantity)
    await meter.advance(MAY)
    net = sum(line["netUnits"] for line in (await subs.invoices(api))[-1]["lines"])
    order = (await subs.orders(api))[-1]
    assert (net, order["amountSubtotalUnits"]) == (expected, expected)
    assert order["amountTaxUnits"] == (expected * 19 + 50) // 100
    await money.books_balance(made)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("type", ["IMMEDIATE", "CURRENT_PERIOD_ENDS", "SPECIFIC_DATE"])
async def test_who_leaves_pays_for_what_they_used(api: Client, made: Made, meter: Meter, type: str) -> None:
    created = await subs.subscribed(api)
    meter.use("2031-04-10T00:00:00Z", 150_000)
    meter.use("2031-04-18T00:00:00Z", 50_000)
    meter.use("2031-04-25T00:00:00Z", 100_000)
    await meter.advance(HALF)
    await subs.cancelled(api, created, type, "2031-04-20" if type == "SPECIFIC_DATE" else None)
    await meter.advance(JUNE)
    assert (await subs.shown(api, created))["status"] == "canceled"
    used = {"IMMEDIATE": 1_000, "SPECIFIC_DATE": 2_000, "CURRENT_PERIOD_ENDS": 4_000}[type]
    assert await lines(api) == [[("Pro", 2_000)], [(USED, used)]]
    assert await subs.paid(api) == [2_000, used]
    await money.books_balance(made)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(("period", "price"), [("MONTHLY", 3_000), ("YEARLY", 60_000)])
async def test_a_change_to_what_is_not_metered_charges_what_was_used(
    api: Client, made: Made, meter: Meter, period: str, price: int
) -> None:
    created = await subs.subscribed(api)
    meter.use("2031-04-10T00:00:00Z", 150_000)
    await meter.advance(HALF)
    flat = await subs.updated(api, created, "flat", period)
    change = [
        ("Unused time on Pro", -1_000),
        ("Flat" if period == "YEARLY" else "Remaining time on Flat", price),
    ]
    # It is charged beside a new period, the one that begins now or the next.
    assert (await lines(api))[1] == (change if period == "MONTHLY" else [*change, (USED, 1_000)])
    # It is not charged again, and neither is what comes later.
    meter.use("2031-04-20T00:00:00Z", 500_000)
    await meter.advance("2031-04-21T00:00:00Z")
    await subs.foretold(api, flat)
    assert await subs.paid(api) == [2_000, *([2_000, 7_000] if period == "MONTHLY" else [60_000, 60_000])]
    await money.books_balance(made)


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize("proration", ["PRORATE_NEXT_INVOICE", "NO_PRORATION"])
async def test_what_was_used_waits_where_differences_do_and_is_never_given_away(
    api: Client, made: Made, meter: Meter, proration: str
) -> None:
    created = await subs.subscribed(api)
    meter.use("2031-04-10T00:00:00Z", 150_000)
    await meter.advance(HALF)
    flat = await subs.updated(api, created, "flat", prorationBehavior=proration)
    assert await subs.paid(api) == [2_000]
    invoice = await subs.foretold(api, flat)
    differences = [("Unused time on Pro", -1_000), ("Remaining time on Flat", 3_000)]
    waited = differences if proration == "PRORATE_NEXT_INVOICE" else []
    assert subs.lines_of(invoice) == [("Flat", 6_000), *waited, (USED, 1_000)]
    await money.books_balance(made)


async def test_a_change_to_what_is_metered_as_well_charges_it_all_at_the_end(
    api: Client, made: Made, meter: Meter, calls: dict[str, Any]
) -> None:
    await sell(api, "scale", 100, catalog.charge(amount=0.0001), calls)
    created = await subs.subscribed(api)
    meter.use("2031-04-10T00:00:00Z", 150_000)
    await meter.advance(HALF)
    await subs.updated(api, created, "scale")
    assert await subs.paid(api) == [2_000, 4_000]
    meter.use("2031-04-20T00:00:00Z", 50_000)
    await meter.advance(MAY)
    # The whole month at the rates of the plan with which it ended: 200,000 at a hundredth of a cent.
    assert (await lines(api))[-1] == [("Scale", 10_000), ("Scale: API Calls (used)", 2_000)]
    await money.books_balance(made)


async def test_new_rates_are_those_of_the_next_period(
    api: Client, made: Made, meter: Meter, calls: dict[str, Any]
) -> None:
    await subs.subscribed(api)
    await meter.advance(HALF)
    await sell(api, "pro", 30, catalog.charge(amount=0.001), calls)
    meter.use("2031-04-20T00:00:00Z", 120_000)
    meter.use("2031-05-20T00:00:00Z", 120_000)
    await meter.advance(JUNE)
    assert await lines(api) == [
        [("Pro", 2_000)], [("Pro", 3_000), (USED, 400)], [("Pro", 3_000), (USED, 12_000)],
    ]  # fmt: skip
    await money.books_balance(made)


async def test_what_is_used_while_somebody_tries_is_free(
    api: Client, made: Made, meter: Meter, calls: dict[str, Any]
) -> None:
    used = catalog.entry(TIERED, feature=calls["id"], paymentType="PAY_AS_YOU_GO", priceModel="TIERED")
    await subs.recurring(api, "tried", 20, entries=(used,), freeTrial=True, trialPeriod=15)
    created = await subs.subscribed(api, "tried")
    meter.use("2031-04-10T00:00:00Z", 9_000_000)
    meter.use("2031-04-16T00:00:00Z", 150_000)
    await meter.advance("2031-05-16T00:00:00Z")
    assert await subs.paid(api) == [0, 2_000, 3_000]
    assert (await subs.shown(api, created))["status"] == "active"
    # Nor does it cost anything to leave before it ends.
    other = await subs.subscribed(api, "tried")
    meter.use("2031-05-17T00:00:00Z", 9_000_000)
    await subs.cancelled(api, created)
    await meter.advance("2031-05-18T00:00:00Z")
    await subs.cancelled(api, other)
    await meter.advance(JUNE)
    assert await subs.paid(api) == [0, 2_000, 3_000, 0]
    await money.books_balance(made)


@pytest.mark.usefixtures("calls")
async def test_what_was_charged_by_a_change_is_not_charged_again_after_the_way_back(
    api: Client, made: Made, meter: Meter
) -> None:
    created = await subs.subscribed(api)
    meter.use("2031-04-10T00:00:00Z", 150_000)
    await meter.advance(HALF)
    flat = await subs.updated(api, created, "flat")
    # What is used while nothing is metered is in the price of that.
    meter.use("2031-04-17T00:00:00Z", 7_000_000)
    await meter.advance("2031-04-19T00:00:00Z")
    back = await subs.updated(api, flat)
    meter.use("2031-04-20T00:00:00Z", 60_000)
    # Another quantity or price of what is metered anyway changes nothing of that.
    await subs.recurring(api, "team", 40, entries=(await _metered(api),))
    await meter.advance("2031-04-22T00:00:00Z")
    team = await subs.updated(api, back, "team")
    meter.use("2031-04-23T00:00:00Z", 60_000)
    await meter.advance(MAY)
    assert (await lines(api))[-1] == [("Team", 4_000), ("Team: API Calls (used)", 400), (USED, 1_000)]
    # From then on it is the whole month again.
    meter.use(MAY, 150_000)
    await meter.advance("2031-05-02T00:00:00Z")
    await subs.cancelled(api, team)
    await meter.advance(JUNE)
    assert (await lines(api))[-1] == [("Team: API Calls (used)", 1_000)]
    await money.books_balance(made)


async def _metered(api: Client) -> dict[str, Any]:
    feature = (await api.get("/catalog/features/")).json()["results"][0]
    return catalog.entry(TIERED, feature=feature["id"], paymentType="PAY_AS_YOU_GO", priceModel="TIERED")


LATER = {"paymentBehavior": "activate_on_payment"}


async def approve(api: Client) -> None:
    """Let the customer pay what waits for them on its page."""
    page = await page_of(api)
    await page.pay_with_saved()
    await page.answer("approve")


@pytest.mark.usefixtures("calls")
@pytest.mark.parametrize(
    ("period", "paid"), [("MONTHLY", [2_000, 2_000, 104_000]), ("YEARLY", [2_000, 59_000, 98_000])]
)
async def test_what_is_used_while_a_change_waits_for_its_payment_is_charged(
    api: Client, made: Made, meter: Meter, period: str, paid: list[int]
) -> None:
    pro = await subs.subscribed(api)
    await meter.advance(HALF)
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    await subs.updated(api, pro, "flat", period, **LATER)
    meter.use("2031-04-16T10:00:00Z", 5_000_000)
    await meter.advance("2031-04-16T20:00:00Z")
    await approve(api)
    await money.only_card(api, "ada")
    meter.use("2031-04-20T00:00:00Z", 9_000_000)
    await meter.advance(MAY if period == "MONTHLY" else "2032-04-16T00:00:00Z")
    last = 60_000 if period == "YEARLY" else 0
    assert await subs.paid(api) == [*paid[:-1], paid[-1] + last]
    assert await charged(made) == [["2031-04-01", "2031-04-16"]]
    await money.books_balance(made)


async def test_what_is_used_before_a_change_takes_effect_is_not_metered_by_it(
    api: Client, made: Made, meter: Meter, calls: dict[str, Any]
) -> None:
    included = (calls, {"hasUnlimitedUsage": True})
    await subs.recurring(api, "included", 60, granting=(included,))
    flat = await subs.subscribed(api, "included")
    await meter.advance(HALF)
    await sell(api, "pro", 80, TIERED, calls, priceModel="TIERED")
    await money.only_card(api, "ada", money.ASKS_FOR_AUTHENTICATION)
    await subs.updated(api, flat, **LATER)
    meter.use("2031-04-16T10:00:00Z", 5_000_000)
    await meter.advance("2031-04-16T20:00:00Z")
    await approve(api)
    await money.only_card(api, "ada")
    meter.use("2031-04-20T00:00:00Z", 150_000)
    await meter.advance(MAY)
    assert await subs.paid(api) == [6_000, 1_000, 9_000]
    await money.books_balance(made)


async def test_a_trial_is_free_though_something_is_owed(
    api: Client, made: Made, meter: Meter, calls: dict[str, Any]
) -> None:
    used = catalog.entry(catalog.charge(amount=0.01), feature=calls["id"], paymentType="PAY_AS_YOU_GO")
    await catalog.plan(api, "metered")
    await catalog.set_prices(api, "metered", catalog.price(used))
    await catalog.publish(api, "metered")
    metered = await subs.subscribed(api, "metered")
    meter.use("2031-04-02T00:00:00Z", 50_000)
    await meter.advance(HALF)
    await money.only_card(api, "ada", money.DECLINED_LATER)
    # What was used so far is charged with the trial that begins now, and fails.
    tried = await subs.updated(api, metered, "metered", trialEnd="2031-04-20T00:00:00Z")
    assert tried["status"] == "past_due"
    meter.use("2031-04-17T00:00:00Z", 70_000)
    await meter.advance("2031-04-21T00:00:00Z")
    assert (await subs.shown(api, tried))["status"] == "past_due"
    await money.only_card(api, "ada")
    await meter.advance("2031-05-21T00:00:00Z")
    # The trial's end is invoiced, and comes to nothing, before the card works again.
    assert await subs.paid(api) == [0, 0, 50_000, 0]
    await money.books_balance(made)
