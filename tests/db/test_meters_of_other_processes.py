"""A process that has not heard of a meter yet carries out what concerns it all the same."""

from kelviq_server.platform.database import transaction
from kelviq_server.usage.meters import steps as meters
from tests.api import subscriptions as subs
from tests.api import usage
from tests.api.conftest import Client
from tests.make import Made


async def test_a_plan_is_left_whose_meter_another_process_has_made(api: Client, made: Made) -> None:
    await usage.metered(api)
    async with transaction(made.sandbox) as tx:
        before = await meters.meters_now(tx)
    meter = await usage.meter_of_events(api, "tokens", {"function": "COUNT"})
    await subs.recurring(api, "more", 5, granting=((meter, {"value": 3, "reset": "NEVER"}),))
    await subs.recurring(api, "less", 1)
    [subscription] = await usage.subscriber(api, "more")
    assert await usage.counted(api, "tokens") == [(3, 0, 3)]
    # As it is remembered by a process that was asked before, and not since.
    meters._known[tx.tenant_id] = before  # pyright: ignore[reportPrivateUsage]
    await subs.updated(api, subscription, "less")
    assert await usage.counted(api, "tokens") == []


async def test_what_is_used_is_counted_held_and_told_of_a_meter_another_process_has_made(
    api: Client, made: Made
) -> None:
    async with transaction(made.sandbox) as tx:
        tenant_id, before = tx.tenant_id, await meters.meters_now(tx)

    def forget() -> None:
        meters._known[tenant_id] = before  # pyright: ignore[reportPrivateUsage]

    await usage.metered(api)
    await usage.subscriber(api, "pro")
    forget()
    assert await usage.counted(api) == [(10, 0, 10)]
    forget()
    await usage.report(api, 3)
    forget()
    held = await api.post("/usage/reservations/", {"customerId": "ada", "featureId": "calls", "amount": 2})
    assert held.status_code == 201, held.text
    assert await usage.counted(api) == [(10, 5, 5)]
