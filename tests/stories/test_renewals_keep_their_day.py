"""Renewals come round on the day on which somebody began, whatever months, years and clocks do in between."""

import pytest

from tests.api import money
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made


async def starts(api: Client) -> list[str]:
    """Return when each period that was charged began, to the minute; none is left out, none overlaps another.

    Each was charged as it began.
    """
    found = await subs.invoices(api)
    lines = [line for invoice in found for line in invoice["lines"]]
    assert [line["periodStart"] for line in lines] == [invoice["issuedOn"] for invoice in found]
    assert [line["periodEnd"] for line in lines[:-1]] == [line["periodStart"] for line in lines[1:]]
    assert {(invoice["status"], invoice["amountTotal"]) for invoice in found} == {("PAID", "100.00")}
    return [line["periodStart"].removesuffix(":00.000000Z") for line in lines]


async def test_who_began_on_the_last_of_january_pays_on_the_last_of_each_month(api: Client, made: Made) -> None:
    await subs.freeze(api, "2028-01-31T09:30:00Z")
    await subs.recurring(api)
    await money.customer(api)
    created = await subs.subscribed(api)
    await subs.advance(api, "2029-03-31T09:30:00Z")
    days = [
        "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30", "2028-05-31", "2028-06-30", "2028-07-31", "2028-08-31",
        "2028-09-30", "2028-10-31", "2028-11-30", "2028-12-31", "2029-01-31", "2029-02-28", "2029-03-31",
    ]  # fmt: skip
    assert await starts(api) == [f"{day}T09:30" for day in days]
    now = await subs.shown(api, created)
    assert (now["billingPeriodStartTime"], now["billingPeriodEndTime"], now["startDate"]) == (
        "2029-03-31T09:30:00.000000Z",
        "2029-04-30T09:30:00.000000Z",
        "2028-01-31",
    )
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("period", "recurrence", "until", "days"),
    [
        ("DAILY", "day", "2028-03-02", ["2028-02-29", "2028-03-01", "2028-03-02"]),
        ("WEEKLY", "week", "2028-03-14", ["2028-02-29", "2028-03-07", "2028-03-14"]),
        ("TWENTY_EIGHT_DAYS", "28 days", "2028-04-25", ["2028-02-29", "2028-03-28", "2028-04-25"]),
        ("THREE_MONTHS", "3 months", "2028-11-29", ["2028-02-29", "2028-05-29", "2028-08-29", "2028-11-29"]),
        ("SIX_MONTHS", "6 months", "2029-02-28", ["2028-02-29", "2028-08-29", "2029-02-28"]),
        (
            "YEARLY", "year", "2032-02-29",
            ["2028-02-29", "2029-02-28", "2030-02-28", "2031-02-28", "2032-02-29"],
        ),
    ],
)  # fmt: skip
async def test_who_began_on_a_leap_day_pays_by_the_calendar(
    api: Client, made: Made, period: str, recurrence: str, until: str, days: list[str]
) -> None:
    await subs.freeze(api, "2028-02-29T12:00:00Z")
    await subs.recurring(api, periods=(period,))
    await money.customer(api)
    created = await subs.subscribed(api, period=period)
    assert created["recurrence"] == recurrence
    await subs.advance(api, f"{until}T12:00:00Z")
    assert await starts(api) == [f"{day}T12:00" for day in days]
    await money.books_balance(made)


async def test_a_seller_in_berlin_renews_by_the_clock_of_berlin(api: Client, made: Made) -> None:
    assert (await api.patch("/organization/", {"timeZone": "Europe/Berlin"})).status_code == 200
    # Half past midnight on 31 January, there.
    await subs.freeze(api, "2028-01-30T23:30:00Z")
    await subs.recurring(api)
    await money.customer(api)
    await subs.subscribed(api)
    # The seller moves: those who began in Berlin stay with its clock.
    await subs.advance(api, "2028-07-01T00:00:00Z")
    assert (await api.patch("/organization/", {"timeZone": "America/Los_Angeles"})).status_code == 200
    await subs.advance(api, "2028-11-30T00:00:00Z")
    # Summer time is from 26 March to 29 October.
    assert await starts(api) == [
        "2028-01-30T23:30", "2028-02-28T23:30", "2028-03-30T22:30", "2028-04-29T22:30", "2028-05-30T22:30",
        "2028-06-29T22:30", "2028-07-30T22:30", "2028-08-30T22:30", "2028-09-29T22:30", "2028-10-30T23:30",
        "2028-11-29T23:30",
    ]  # fmt: skip
    await money.books_balance(made)


@pytest.mark.parametrize(
    ("began", "until", "renewed"),
    [
        # Half past two is left out on 26 March: that day it is half past three.
        ("2028-03-24T01:30", "2028-03-28T12:00",
         ["2028-03-24T01:30", "2028-03-25T01:30", "2028-03-26T01:30", "2028-03-27T00:30", "2028-03-28T00:30"]),
        # It comes twice on 29 October: the first time counts.
        ("2028-10-27T00:30", "2028-10-30T12:00",
         ["2028-10-27T00:30", "2028-10-28T00:30", "2028-10-29T00:30", "2028-10-30T01:30"]),
    ],
)  # fmt: skip
async def test_a_day_is_a_day_when_the_clocks_change(
    api: Client, made: Made, began: str, until: str, renewed: list[str]
) -> None:
    await api.patch("/organization/", {"timeZone": "Europe/Berlin"})
    await subs.freeze(api, f"{began}:00Z")
    await subs.recurring(api, periods=("DAILY",))
    await money.customer(api)
    await subs.subscribed(api, period="DAILY")
    await subs.advance(api, f"{until}:00Z")
    assert await starts(api) == renewed
    await money.books_balance(made)


async def test_what_is_left_of_a_month_is_counted_by_the_hours_that_it_has(api: Client, made: Made) -> None:
    await api.patch("/organization/", {"timeZone": "Europe/Berlin"})
    # March of 2028 has 743 hours there, and the plan costs a dollar for each.
    await subs.freeze(api, "2028-02-29T23:00:00Z")
    await subs.recurring(api, amount=743)
    await subs.recurring(api, "team", 1486)
    await money.customer(api)
    created = await subs.subscribed(api)
    assert created["billingPeriodEndTime"] == "2028-03-31T22:00:00.000000Z"
    await subs.advance(api, "2028-03-16T00:00:00Z")
    team = await subs.updated(api, created, "team")
    assert [line["amountUnits"] for line in team["preview"]["immediateLineItems"]] == [-38_200, 76_400]
    assert await subs.paid(api) == [74_300, 38_200]
    assert (team["billingPeriodStartTime"], team["billingPeriodEndTime"]) == (
        "2028-02-29T23:00:00.000000Z",
        "2028-03-31T22:00:00.000000Z",
    )
    await subs.foretold(api, team)
    assert await subs.paid(api) == [74_300, 38_200, 148_600]
    await money.books_balance(made)
