"""Find out whether a licence is valid."""

from uuid import UUID

from kelviq_server.licenses import rules, store
from kelviq_server.licenses.records import Verdict
from kelviq_server.platform.database import Tenant, reading


async def validate_license(tenant: Tenant, key: str, instance_id: UUID | None) -> Verdict:
    """Return what is to be said of a key, and of an instance if one is named, which has been seen by that."""
    async with reading(tenant) as tx:
        whole = await store.find_seen(tx, key, instance_id)
    return rules.verdict(whole, is_of_instance=instance_id is not None)
