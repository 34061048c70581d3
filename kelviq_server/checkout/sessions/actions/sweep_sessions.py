"""Sweep up the sessions that led to nothing."""

from kelviq_server.checkout.sessions import rules, store
from kelviq_server.platform.database import INSTANCE, transaction

BATCH = 1000
ROUNDS = 100


async def sweep_sessions() -> None:
    """Delete, for all tenants, what was over long ago without ever having been paid, or tried to be.

    Anybody makes sessions: each visit to a link does. Safe to run in several workers at once.
    """
    for _ in range(ROUNDS):
        async with transaction(INSTANCE) as tx:
            if await store.delete_unused(tx, rules.KEPT, BATCH) < BATCH:
                break
