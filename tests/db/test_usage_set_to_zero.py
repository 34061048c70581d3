"""Usage that is set to zero was used all the same: it is charged, and may be reported late."""

import asyncio

from kelviq_server.platform.database import reading
from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.make import Made

APRIL, MAY = "2031-04-01T00:00:00Z", "2031-05-01T00:00:00Z"
CENT = catalog.tiered(("inf", 0.01, 0))


async def reset(api: Client, feature: str) -> int:
    answer = await api.post(f"/customers/ada/entitlements/{feature}/reset/", {})
    assert answer.status_code == 200, answer.text
    return answer.json()["previousUsage"]


async def last_lines(api: Client) -> list[tuple[str, int]]:
    return subs.lines_of((await subs.invoices(api))[-1])


async def test_what_was_used_is_charged_though_it_was_set_to_zero(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    meter = await catalog.feature(api)
    used = catalog.entry(CENT, feature=meter["id"], paymentType="PAY_AS_YOU_GO", priceModel="TIERED")
    await subs.recurring(api, "pro", 20, entries=(used,))
    await usage.subscriber(api, "pro")
    await subs.advance(api, "2031-04-10T12:00:00Z")
    await usage.report(api, 900, "api-calls")
    assert await reset(api, "api-calls") == 900
    await usage.report(api, 100, "api-calls")
    await usage.report(api, 30, "api-calls", timestamp="2031-04-10T11:00:00Z")
    # What was used before that is charged, and does not count any more.
    assert await usage.counted(api, "api-calls") == [(None, 100, None)]
    # What replaces usage replaces what was used since.
    await usage.report(api, 150, "api-calls", behaviour="SET")
    await subs.advance(api, MAY)
    assert await last_lines(api) == [("Pro", 2_000), ("Pro: API Calls (used)", 1_080)]
    assert await usage.counted(api, "api-calls") == [(None, 0, None)]
    await money.books_balance(made)


async def test_what_was_set_to_zero_before_anything_granted_it_does_not_come_back(api: Client, made: Made) -> None:
    await subs.freeze(api, APRIL)
    meter = await usage.meter_of_events(api, "users", {"function": "UNIQUE", "field": "user"})
    await subs.recurring(api, "pro", 5, granting=((meter, {"value": 9, "reset": "NEVER"}),))
    await money.customer(api)

    async def login(user: str) -> None:
        at = (await api.get("/sandbox/clock/")).json()["now"]
        event = {
            "customerId": "ada", "eventName": "login", "idempotencyKey": f"{user} {at}", "timestamp": at,
            "properties": {"user": user},
        }  # fmt: skip
        assert (await api.post("/report/event/", event)).status_code == 200

    await login("grace")
    await subs.advance(api, "2031-04-02T12:00:00Z")
    assert await reset(api, "users") == 1
    await login("alan")
    await subs.advance(api, "2031-04-03T12:00:00Z")
    await subs.subscribed(api)
    assert await usage.counted(api, "users") == [(9, 1, 8)]
    await login("alan")
    await login("grace")
    assert await usage.counted(api, "users") == [(9, 2, 7)]
    async with reading(made.sandbox) as tx:
        # Alan was moved to the subscription, and logged in at that instant: no phantom is left of him.
        moved = await tx.value("SELECT count(*) FROM usage_values WHERE tenant_id = %s AND is_moved", (tx.tenant_id,))
    assert moved == 0


async def test_nothing_is_lost_between_reports_resets_and_overrides_at_once(api: Client) -> None:
    await usage.metered(api, value=1000)
    await usage.subscriber(api, "pro")
    path = "/customers/ada/entitlements/calls/"

    async def override(limit: int) -> None:
        answer = await api.request("PUT", path, json={"value": limit, "reason": "why"})
        assert answer.status_code == 200, answer.text

    reports = [usage.report(api, 1) for _ in range(40)]
    resets = [reset(api, "calls") for _ in range(5)]
    overrides = [override(limit) for limit in (500, 600, 700)]
    # Each reset says what it took away, and what it did not take is still there.
    _, taken, _ = await asyncio.gather(asyncio.gather(*reports), asyncio.gather(*resets), asyncio.gather(*overrides))
    [(_, used, _)] = await usage.counted(api)
    assert sum(taken) + used == 40
    points = (await api.get("/usage/?customer_id=ada&feature_id=calls")).json()["points"]
    assert sum(point["value"] for point in points) == 40
