"""The list of attempts: one row each, of the latest 30 days, by the day of the attempt."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id
from tests import make
from tests.api.conftest import Client
from tests.make import Made
from tests.receiver import receiving
from tests.statements import counting
from tests.webhooks import deliver, forget_deliveries, wait

NOW = datetime.now(UTC)


async def attempted(tenant: Tenant, endpoint: str, times: list[datetime]) -> None:
    """Write attempts at these instants, their days counted, as the server would have."""
    rows = [{"id": new_id(at), "at": at, "day": at.date()} for at in times]
    async with transaction(tenant) as tx:
        await tx.execute(
            "WITH made AS (SELECT * FROM json_to_recordset(%(rows)s::json) AS made (id uuid, at timestamptz, day date)"
            "), event AS (INSERT INTO webhook_events (tenant_id, id, type, created_at, logged_at, body)"
            "  VALUES (%(tenant)s, gen_random_uuid(), 'order.created', %(now)s, %(now)s, '{}') RETURNING position"
            "), written AS ("
            "  INSERT INTO webhook_attempts (tenant_id, id, endpoint_id, position, attempted_at, retry_count,"
            "    is_success, status_code, milliseconds)"
            "  SELECT %(tenant)s, id, %(endpoint)s, position, at, 0, true, 200, 1 FROM made, event"
            ") INSERT INTO webhook_tallies SELECT %(tenant)s, day, count(*) FROM made GROUP BY day",
            {"rows": json.dumps(rows, default=str), "tenant": tx.tenant_id, "endpoint": endpoint, "now": tx.now},
        )


async def listen(api: Client, url: str = "https://example.com") -> str:
    return (await api.post("/webhook/endpoints/", {"url": url})).json()["id"]


async def test_every_attempt_is_a_row_newest_first(api: Client) -> None:
    await forget_deliveries()
    async with receiving() as receiver:
        endpoint = await listen(api, receiver.url)
        receiver.answer(500, b"\xffdown\x00")
        await api.post("/customers/", {"customerId": "ada"})
        await deliver()
        receiver.answer(204)
        await wait(timedelta(minutes=1))
        await deliver()
        [event, _] = receiver.events
    listed = (await api.get("/webhook/logs/")).json()
    assert listed["count"] == 2
    second, first = listed["results"]
    expected = {"eventId": event["id"], "endpoint": endpoint, "eventType": "customer.created", "payload": event}
    for row, status, retries in ((first, 500, 0), (second, 204, 1)):
        assert {name: row[name] for name in expected} == expected
        assert (row["statusCode"], row["isSuccess"], row["retryCount"]) == (status, status < 300, retries)
        assert row["createdOn"] == event["created_at"]
        assert set(row) == {"id", "statusCode", "isSuccess", "retryCount", "lastAttempt", "createdOn", *expected}
    assert first["lastAttempt"] < second["lastAttempt"]
    details = (await api.get(f"/webhook/logs/{first['id']}/")).json()
    assert {name: details[name] for name in first} == first
    assert details["responseBody"] == "�down�"
    assert details["milliseconds"] >= 0
    assert (await api.get(f"/webhook/logs/{uuid4()}/")).status_code == 404


async def test_pages_and_days_agree_with_the_rows_wherever_a_page_begins(api: Client, made: Made) -> None:
    endpoint = await listen(api)
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    # Days of 7, 0, 1, 23 attempts and so on, some just at midnight.
    times = [
        midnight - timedelta(days=day) + timedelta(seconds=number) * (number % 3)
        for day, count in ((0, 7), (2, 1), (3, 23), (9, 4), (30, 5), (31, 3))
        for number in range(count)
    ]
    await attempted(made.sandbox, endpoint, times)
    listed = sorted((at for at in times if at >= midnight - timedelta(days=30)), reverse=True)
    for size in (1, 3, 7, 8, 40):
        pages = -(-len(listed) // size)
        found: list[datetime] = []
        page: dict[str, Any] = {}
        for number in range(1, pages + 1):
            page = (await api.get(f"/webhook/logs/?page_size={size}&page={number}")).json()
            assert page["count"] == len(listed)
            assert (page["next"] is None, page["previous"] is None) == (number == pages, number == 1)
            found += [datetime.fromisoformat(row["lastAttempt"]) for row in page["results"]]
        assert found == listed
        last = (await api.get(f"/webhook/logs/?page_size={size}&page=last")).json()
        assert [row["id"] for row in last["results"]] == [row["id"] for row in page["results"]]
    assert (await api.get("/webhook/logs/?page_size=7&page=7")).status_code == 404


async def test_dates_narrow_the_list_and_never_widen_it(api: Client, made: Made) -> None:
    endpoint = await listen(api)
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    await attempted(made.sandbox, endpoint, [midnight - timedelta(days=day) for day in (0, 1, 2, 3, 30, 31, 60)])

    async def count(query: str) -> int:
        return (await api.get(f"/webhook/logs/?{query}")).json()["count"]

    def day(back: int) -> str:
        return (midnight - timedelta(days=back)).date().isoformat()

    assert await count("") == 5
    assert await count(f"start_date={day(90)}") == 5
    assert await count(f"start_date={day(2)}") == 3
    assert await count(f"end_date={day(2)}") == 3
    assert await count(f"start_date={day(2)}&end_date={day(1)}") == 2
    assert await count(f"start_date={day(1)}&end_date={day(2)}") == 0
    assert await count(f"end_date={day(40)}") == 0
    assert await count("end_date=9999-12-31&start_date=0001-01-01") == 5
    for faulty in ("start_date=x", "end_date=2026-02-30", "start_date=2026-04-01T00:00:00Z", "end_date="):
        answer = await api.get(f"/webhook/logs/?{faulty}")
        name = faulty.partition("=")[0]
        assert (answer.status_code, answer.json()) == (400, {name: ["Enter a valid date."]}), faulty


async def test_a_list_is_one_statement(api: Client, made: Made) -> None:
    await attempted(made.sandbox, await listen(api), [NOW - timedelta(days=day) for day in range(20)])
    await api.get("/webhook/logs/")
    async with counting() as ran:
        await api.get("/webhook/logs/?page=2")
    assert len(ran) == 1


async def test_an_event_of_somebody_else_is_no_place_to_read_on_from(api: Client) -> None:
    victim = await make.organization()
    async with transaction(victim.sandbox) as tx:
        id = new_id(tx.now)
        await tx.execute(
            "INSERT INTO webhook_events (tenant_id, id, type, created_at, logged_at, body)"
            " VALUES (%s, %s, 'order.created', %s, %s, '{}')",
            (tx.tenant_id, id, tx.now, tx.now),
        )
    assert (await api.get(f"/webhook/events/?after={id}")).status_code == 400
