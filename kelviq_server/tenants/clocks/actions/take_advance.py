"""Take up an advance that nobody carries on."""

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.tenants.clocks import rules, store
from kelviq_server.tenants.clocks.records import Advance


async def take_advance() -> Advance | None:
    """Return an advance that was left to the workers or whose process has died, or None; leased to the caller."""
    async with transaction(INSTANCE) as tx:
        return await store.lock_advance(tx, rules.LEASE)
