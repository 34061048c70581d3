"""Sweep up what is too old to be told, listed or read."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta

from kelviq_server.platform.database import INSTANCE, Tx, transaction
from kelviq_server.webhooks.attempts import rules as attempt_rules
from kelviq_server.webhooks.attempts import store as attempts
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.log import store as log

BATCH = 5000
ROUNDS = 1000


async def sweep_webhooks(now: datetime) -> None:
    """Delete, for all tenants, what the times of this instant say; safe to run in several workers at once.

    Events go some days after their attempts: until then nearly every old one would still be told of.
    """
    listed_from = now.date() - timedelta(days=attempt_rules.KEPT_DAYS)
    logged_before = datetime.combine(listed_from, time(), UTC) - rules.PATIENCE
    await _until_little_is_left(lambda tx: _delete_stale(tx, now - rules.PATIENCE - rules.LEASE_TIME))
    await _until_little_is_left(lambda tx: _delete_orphans(tx, now))
    await _until_little_is_left(lambda tx: attempts.delete_old(tx, listed_from, BATCH), least=1)
    await _until_little_is_left(lambda tx: log.delete_old(tx, logged_before, BATCH))


async def _delete_stale(tx: Tx, queued_before: datetime) -> int:
    leases = await store.lock_stale(tx, queued_before, BATCH)
    await store.delete_deliveries(tx, leases, queued_before)
    return len(leases)


async def _delete_orphans(tx: Tx, now: datetime) -> int:
    leases = await store.lock_orphans(tx, BATCH)
    await store.delete_deliveries(tx, leases, now)
    return len(leases)


async def _until_little_is_left(delete: Callable[[Tx], Awaitable[int]], least: int = BATCH) -> None:
    for _ in range(ROUNDS):
        async with transaction(INSTANCE) as tx:
            if await delete(tx) < least:
                break
