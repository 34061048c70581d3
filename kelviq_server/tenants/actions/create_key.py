"""Create another key for an environment."""

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.tenants import steps, store
from kelviq_server.tenants.records import EnvironmentName, KeyKind, NewKey


async def create_key(slug: str | None, environment: EnvironmentName, kind: KeyKind) -> NewKey | None:
    """Return the new key, readable this once; None where there is no such organization."""
    async with transaction(INSTANCE) as tx:
        found = await store.find_environment(tx, slug, environment)
        if found is None:
            return None
        key = steps.new_key(kind, environment)
        await steps.add_key(tx, found.id, key)
        return key
