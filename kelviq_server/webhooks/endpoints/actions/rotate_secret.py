"""Give an endpoint a new signing secret."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.webhooks.endpoints import steps, store
from kelviq_server.webhooks.endpoints.records import Endpoint, NewSecret


async def rotate_secret(tenant: Tenant, id: UUID) -> tuple[Endpoint, NewSecret]:
    """Return the endpoint and its new secret, in full this once; from now on nothing is signed with the old one.

    At once, because a delivery carries one signature: the official clients refuse a header with two.
    """
    async with transaction(tenant) as tx:
        await store.lock_endpoint(tx, id)
        secret = steps.new_secret(id)
        await store.update_secret(tx, id, secret)
        return await store.get_endpoint(tx, id), secret
