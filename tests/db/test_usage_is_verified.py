"""What was counted is reckoned anew from what was reported, and whatever somebody changed by hand is found."""

from typing import Any, LiteralString

import pytest

from kelviq_server.billing.verification.actions.verify_books import verify_books
from kelviq_server.catalog.features.records import Aggregation
from kelviq_server.catalog.prices.records import MeterTerms
from kelviq_server.core.calendar import Reset, ResetTime
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.reports.actions.record_reports import record_reports
from tests import make, metering, money, subscriptions
from tests.db.usage_model import AT, HOUR
from tests.make import Made
from tests.metering import Granting

EACH_DAY = MeterTerms(Reset.EVERY_DAY, ResetTime.BEGINNING_OF_PERIOD)
METERS = {
    "tokens": (Aggregation.SUM, "tokens"), "events": (Aggregation.COUNT, None), "users": (Aggregation.UNIQUE, "user"),
    "peak": (Aggregation.MAX, "tokens"), "last": (Aggregation.LATEST, "tokens"), "mean": (Aggregation.AVG, "tokens"),
}  # fmt: skip


@pytest.fixture
async def tenant(made: Made) -> Tenant:
    """A sandbox with a customer of whom all kinds of meters have counted something, before and after a period began."""
    tenant = made.sandbox
    await make.freeze_clock(tenant, AT - 24 * HOUR)
    asked = ("event_name", "EQUALS", "ask")
    meters = [await metering.meter_of_events(tenant, name, *of, asked) for name, of in METERS.items()]
    meters.append(await metering.meter(tenant))
    plan = await metering.plan(tenant, *(Granting(each.id, 100, EACH_DAY) for each in meters))
    customer = await money.customer(tenant)
    await make.freeze_clock(tenant, AT)
    await subscriptions.subscribe(tenant, plan, customer)
    for hours in (0, 5, 11, 12, 24):
        await subscriptions.advance(tenant, AT + hours * HOUR)
        sent = [
            metering.event(
                customer, f'{{"tokens": {tokens}, "user": "{user}"}}', AT + at * HOUR, key=f"{hours}-{place}"
            )
            for place, (tokens, user, at) in enumerate([(3, "a", hours), (7.5, "b", hours - 1), (2, "a", hours)])
        ]
        await record_reports(tenant, [*sent, metering.event(customer, '{"tokens": 9}', AT + hours * HOUR, "tell")])
        await metering.report(tenant, customer, 5, key=f"used-{hours}")
    await metering.report(tenant, customer, 2, behaviour="SET")
    return tenant


async def test_what_was_counted_is_what_was_reported(tenant: Tenant) -> None:
    verified = await verify_books(tenant)
    assert verified.differences == []
    assert verified.reports == 5 * 5 + 1


_OF: LiteralString = (
    " tenant_id = %(tenant_id)s AND feature_id = (SELECT id FROM features WHERE tenant_id = %(tenant_id)s"
)
_OF_TOKENS: LiteralString = _OF + " AND identifier = 'tokens')"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        # Days that say something else than the reports, or that are gone; the counter is reckoned from these.
        ("UPDATE usage_days SET total = total + 1 WHERE starts_at < '2031-01-31' AND" + _OF_TOKENS, {"usage of day"}),
        ("UPDATE usage_days SET count = count + 1 WHERE starts_at < '2031-01-31' AND" + _OF_TOKENS, {"usage of day"}),
        ("DELETE FROM usage_days WHERE starts_at < '2031-01-31' AND" + _OF_TOKENS, {"usage of day"}),
        *(
            (
                "UPDATE usage_days SET total = total + 1, count = count + 1 WHERE starts_at < '2031-01-31' AND"
                + _OF
                + " AND identifier = '"
                + name
                + "')",
                {"usage of day"},
            )
            for name in ("events", "users", "peak", "last", "mean", "calls")
        ),
        # Counters of the current period.
        *(
            (
                "UPDATE allowances SET total = total + 1, count = count + 1 WHERE"
                + _OF
                + " AND identifier = '"
                + name
                + "')",
                {"usage of period"},
            )
            for name in ("tokens", "events", "users", "peak", "last", "mean", "calls")
        ),
        # What is counted of a report.
        (
            "UPDATE usage_events SET counted = '[]' WHERE tenant_id = %(tenant_id)s AND key = '24-0'",
            {"usage of day", "counted of report"},
        ),
        (
            "UPDATE usage_events SET event_name = 'tell' WHERE tenant_id = %(tenant_id)s AND key = '24-0'",
            {"counted of report"},
        ),
        (
            "UPDATE usage_events SET properties = '{}' WHERE tenant_id = %(tenant_id)s AND key = '24-0'",
            {"counted of report"},
        ),
        (
            'UPDATE usage_events SET properties = \'{"tokens": 4, "user": "a"}\' WHERE tenant_id = %(tenant_id)s'
            " AND key = '24-0'",
            {"counted of report"},
        ),
        (
            "UPDATE usage_events SET value = 3 WHERE tenant_id = %(tenant_id)s AND key = 'used-24'",
            {"counted of report"},
        ),
        # One event more than was counted.
        (
            "INSERT INTO usage_events"
            " SELECT (json_populate_record(e, json_build_object('id', gen_random_uuid()))).* FROM usage_events AS e"
            " WHERE tenant_id = %(tenant_id)s AND key = '0-0'",
            {"usage of day", "report of key"},
        ),
        # Keys without their report, and reports without their key.
        ("DELETE FROM usage_keys WHERE tenant_id = %(tenant_id)s AND key = '24-0'", {"report of key"}),
        ("UPDATE usage_keys SET key = 'another' WHERE tenant_id = %(tenant_id)s AND key = '24-0'", {"report of key"}),
        # A value that the counter of the current period has.
        (
            "DELETE FROM usage_values WHERE starts_at >= '2031-01-31' AND" + _OF + " AND identifier = 'users')",
            {"usage of period"},
        ),
    ],
)
async def test_what_was_changed_by_hand_is_found(tenant: Tenant, change: LiteralString, found: set[str]) -> None:
    async with transaction(tenant) as tx:
        assert await tx.execute(change, {"tenant_id": tx.tenant_id}) > 0
    assert {each.what for each in (await verify_books(tenant)).differences} == found


async def test_a_difference_says_what_it_comes_to(tenant: Tenant) -> None:
    async with transaction(tenant) as tx:
        await tx.execute(
            "UPDATE allowances SET total = 8 WHERE" + _OF + " AND identifier = 'calls')", {"tenant_id": tx.tenant_id}
        )
    [difference] = (await verify_books(tenant)).differences
    shown: Any = (difference.expected, difference.found)
    assert shown == ("[2, 2]", "[8, 2]")
