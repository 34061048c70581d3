"""What usage and entitlements cost the database: so many statements, however many reports come at once."""

from asyncio import create_task, gather
from collections.abc import Sequence
from contextvars import Context

from kelviq_server.platform.database import transaction
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.records import Accepted, Outcome, Report
from tests.api import money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made
from tests.statements import counting


async def test_what_a_customer_may_do_is_one_statement(api: Client, made: Made) -> None:
    await usage.metered(api)
    await usage.metered(api, "large")
    await usage.subscriber(api, "pro", "large")
    await usage.may(api)
    async with counting() as ran:
        assert len(await usage.may(api)) == 2
        assert len(ran) == 1, ran


async def test_who_asks_at_once_is_answered_together(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    async with counting() as ran:
        found = await gather(*(usage.may(api) for _ in range(30)))
        # The first alone, the others in as many as the first takes.
        assert len(ran) <= 4, ran
    assert all(each == found[0] for each in found)


async def test_many_reports_take_as_many_statements_as_one(api: Client, made: Made) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await money.customer(api, customer_id="bo")
    await subs.subscribed(api, customer_id="bo")

    async def statements(*reports: Report) -> int:
        await record_reports(made.sandbox, reports)
        async with counting() as ran:
            await record_reports(made.sandbox, [Report(each.customer, feature="calls", value=1) for each in reports])
            return len(ran)

    one = await statements(Report("ada", feature="calls", value=1))
    many = await statements(*(Report(name, feature="calls", value=1) for name in ("ada", "bo") * 100))
    # The clock, how long to wait, the lock, the counters, the days, the events.
    assert one == many == 6


async def test_whoever_is_in_hand_for_longer_holds_up_nobody_else(api: Client, made: Made) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await money.customer(api, customer_id="bo")
    await subs.subscribed(api, customer_id="bo")
    reports = [Report(name, feature="calls", value=1) for name in ("ada", "bo", "ada")]
    async with transaction(made.sandbox) as tx:
        await tx.execute(
            "SELECT FROM customers AS c JOIN allowances AS a ON a.customer_id = c.id"
            " WHERE c.tenant_id = %s AND external_id = 'bo' FOR UPDATE OF a",
            (tx.tenant_id,),
        )
        counting = create_task(elsewhere(made, reports), context=Context())
        while await usage.counted(api) != [(10, 2, 8)]:
            assert not counting.done()
    outcomes = await counting
    assert [type(outcome) for outcome in outcomes] == [Accepted] * 3


async def elsewhere(made: Made, reports: Sequence[Report]) -> Sequence[Outcome]:
    return await record_reports(made.sandbox, reports)
