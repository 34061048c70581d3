"""What was reported stands month by month, and room is made ahead of time."""

from datetime import UTC, datetime

from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.ids import lowest_id
from kelviq_server.usage.reports.actions.make_room import make_room
from tests.api import usage
from tests.api.conftest import Client


async def partitions() -> dict[str, str]:
    async with reading(INSTANCE) as tx:
        return await tx.value(
            "SELECT json_object_agg(relname, pg_get_expr(relpartbound, oid)) FROM pg_class"
            " WHERE relispartition AND relname LIKE 'usage_events%%' AND relkind = 'r'"
        )


async def test_room_is_made_ahead_once(api: Client) -> None:
    await make_room(datetime(2031, 12, 31, 23, 59, tzinfo=UTC))
    await make_room(datetime(2031, 12, 31, 23, 59, tzinfo=UTC))
    found = await partitions()
    low, high = (lowest_id(datetime(year, month, 1, tzinfo=UTC)) for year, month in ((2031, 12), (2032, 1)))
    assert found["usage_events_2031_12"] == f"FOR VALUES FROM ('{low}') TO ('{high}')"
    assert {"usage_events_2032_01", "usage_events_2032_03"} <= found.keys()


async def test_what_is_reported_is_kept_in_its_month(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await usage.report(api, 1)
    async with reading(INSTANCE) as tx:
        where = await tx.value("SELECT DISTINCT tableoid::regclass::text FROM usage_events WHERE value = 1 LIMIT 1")
    assert where == f"usage_events_{datetime.now(UTC):%Y_%m}"
