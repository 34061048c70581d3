"""Wherever a process dies while something is reserved, settled, released or given back, it is held or counted once.

Each action is stopped at every statement in turn, and wherever it waits; then it is done again, as a caller does who
heard no answer.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kelviq_server.entitlements.actions.check_entitlements import check_entitlements
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.usage.reservations.actions.expire_reservations import expire_reservations
from kelviq_server.usage.reservations.actions.release_reservation import release_reservation
from kelviq_server.usage.reservations.actions.reserve_usage import reserve_usage
from kelviq_server.usage.reservations.actions.settle_reservation import settle_reservation
from kelviq_server.usage.reservations.records import NewReservation, Reservation
from tests import make, money
from tests.api import subscriptions as subs
from tests.api import usage
from tests.api.conftest import Client
from tests.make import Made
from tests.statements import dies_at_await, dies_at_statement

AT = datetime(2031, 1, 31, 9, 30, tzinfo=UTC)
Dies = Callable[[int, Awaitable[Any]], Awaitable[bool]]
wherever = pytest.mark.parametrize("dies", [dies_at_statement, dies_at_await])


@dataclass(frozen=True)
class Kept:
    """What is kept of a reservation: how it stands, what it holds, what was reported of it, and the day's usage."""

    status: str
    holds: int
    reported: list[int]
    days: int


@dataclass
class Meter:
    """A customer who may make a hundred thousand calls, drawn from two subscriptions."""

    tenant: Tenant

    def new(self, key: str | None = None) -> NewReservation:
        return NewReservation("ada", "calls", 15, 60, key)

    async def used(self) -> int:
        return sum(each.used or 0 for each in await check_entitlements(self.tenant, "ada", "calls"))

    async def kept(self, reservation: Reservation) -> Kept:
        async with reading(self.tenant) as tx:
            return await tx.decoded(Kept, _KEPT, {"tenant_id": self.tenant.id, "id": reservation.id})


@pytest.fixture
async def meter(api: Client, made: Made) -> Meter:
    await subs.freeze(api)
    await usage.metered(api, "pro", value=100_000)
    await usage.metered(api, "weekly", reset="EVERY_WEEK")
    await usage.subscriber(api, "pro", "weekly")
    return Meter(made.sandbox)


@wherever
async def test_wherever_reserving_dies_it_holds_once_or_nothing(meter: Meter, dies: Dies) -> None:
    at, died, left = 0, True, list[bool]()
    while died:
        at += 1
        new = meter.new(f"key-{at}")
        died = await dies(at, reserve_usage(meter.tenant, new))
        left.append(await meter.used() == 0)
        reservation = await reserve_usage(meter.tenant, new)
        assert await meter.used() == 15, at
        assert await meter.kept(reservation) == Kept("HELD", 15, [], 0), at
        await release_reservation(meter.tenant, reservation.id)
        assert await meter.used() == 0, at
    # Before the commit nothing is left of it.
    assert left.count(True) > 5
    assert dies is dies_at_await or left == sorted(left, reverse=True)
    await money.assert_books_right(meter.tenant)


@wherever
async def test_wherever_settling_dies_what_was_used_is_counted_once(meter: Meter, dies: Dies) -> None:
    at, died, ends = 0, True, list[bool]()
    while died:
        at += 1
        before = await meter.used()
        days = 17 * (at - 1)
        reservation = await reserve_usage(meter.tenant, meter.new())
        died = await dies(at, settle_reservation(meter.tenant, reservation.id, 17))
        kept, now = await meter.kept(reservation), await meter.used() - before
        settled = Kept("SETTLED", 0, [17], days + 17)
        assert (kept, now) in ((Kept("HELD", 15, [], days), 15), (settled, 17)), at
        ends.append(kept == settled)
        await settle_reservation(meter.tenant, reservation.id, 17)
        assert (await meter.kept(reservation), await meter.used() - before) == (settled, 17), at
    assert dies is dies_at_await or ends == sorted(ends)
    assert ends.count(False) > 10
    assert ends[-1]
    await money.assert_books_right(meter.tenant)


@wherever
@pytest.mark.parametrize("is_over", [False, True])
async def test_wherever_giving_back_dies_it_is_given_back_once(meter: Meter, dies: Dies, is_over: bool) -> None:
    at, died = 0, True

    async def give_back(reservation: Reservation) -> None:
        if is_over:
            await expire_reservations(meter.tenant, 10)
        else:
            await release_reservation(meter.tenant, reservation.id)

    while died:
        at += 1
        await make.freeze_clock(meter.tenant, AT)
        reservation = await reserve_usage(meter.tenant, meter.new())
        if is_over:
            await make.freeze_clock(meter.tenant, AT + timedelta(seconds=60))
        died = await dies(at, give_back(reservation))
        ended = Kept("EXPIRED" if is_over else "RELEASED", 0, [], 0)
        kept, now = await meter.kept(reservation), await meter.used()
        assert (kept, now) in ((Kept("HELD", 15, [], 0), 15), (ended, 0)), at
        await give_back(reservation)
        assert (await meter.kept(reservation), await meter.used()) == (ended, 0), at
    assert at > 5
    await money.assert_books_right(meter.tenant)


_KEPT = """
    SELECT json_build_object('status', r.status,
      'holds', (SELECT coalesce(sum(amount), 0) FROM usage_holds AS h
        WHERE h.tenant_id = r.tenant_id AND h.reservation_id = r.id),
      'reported', (SELECT coalesce(json_agg(value), '[]') FROM usage_events AS e
        WHERE e.tenant_id = r.tenant_id AND e.key = 'reservation:' || r.id),
      'days', (SELECT coalesce(sum(total), 0)::bigint FROM usage_days AS d
        WHERE d.tenant_id = r.tenant_id AND d.customer_id = r.customer_id AND d.feature_id = r.feature_id))
    FROM reservations AS r WHERE r.tenant_id = %(tenant_id)s AND r.id = %(id)s
"""
