"""Create an endpoint."""

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.webhooks.endpoints import rules, steps, store
from kelviq_server.webhooks.endpoints.records import Endpoint, NewEndpoint, NewSecret


async def create_endpoint(tenant: Tenant, new: NewEndpoint) -> tuple[Endpoint, NewSecret]:
    """Return the new endpoint and its secret, in full this once; raises InvalidFields or TooManyEndpoints."""
    steps.refuse_address(new.url)
    async with transaction(tenant) as tx:
        rules.refuse_one_more(await store.lock_count(tx))
        id = new_id(tx.now)
        secret = steps.new_secret(id)
        await store.insert_endpoint(tx, id, new, secret)
        return await store.get_endpoint(tx, id), secret
