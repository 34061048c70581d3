"""Sweep up what is too old to be told, listed or read."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from kelviq_server.platform.database import INSTANCE, Tx, transaction
from kelviq_server.webhooks.attempts import rules as attempt_rules
from kelviq_server.webhooks.attempts import store as attempts
from kelviq_server.webhooks.deliveries import rules, store
from kelviq_server.webhooks.log import store as log

BATCH = 5000
ROUNDS = 1000


async def sweep_webhooks(now: datetime) -> None:
    """Delete, for all tenants, what the times of this instant say; safe to run in several workers at once."""
    kept = timedelta(days=attempt_rules.KEPT_DAYS)
    await _until_little_is_left(lambda tx: store.delete_orphans(tx, BATCH))
    await _until_little_is_left(lambda tx: store.delete_stale(tx, now - rules.PATIENCE, BATCH))
    await _until_little_is_left(lambda tx: attempts.delete_old(tx, (now - kept).date(), BATCH), least=1)
    await _until_little_is_left(lambda tx: log.delete_old(tx, now - kept, BATCH))


async def _until_little_is_left(delete: Callable[[Tx], Awaitable[int]], least: int = BATCH) -> None:
    for _ in range(ROUNDS):
        async with transaction(INSTANCE) as tx:
            if await delete(tx) < least:
                break
