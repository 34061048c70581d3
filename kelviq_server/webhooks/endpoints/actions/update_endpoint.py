"""Change an endpoint."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.webhooks.endpoints import rules, steps, store
from kelviq_server.webhooks.endpoints.records import Endpoint


async def update_endpoint(tenant: Tenant, id: UUID, sent: Mapping[str, Any]) -> Endpoint:
    """Return the endpoint with the sent columns as they now are; nothing new changes nothing. Raises InvalidFields."""
    async with transaction(tenant) as tx:
        endpoint = await store.lock_endpoint(tx, id)
        edit = rules.edit(endpoint, sent)
        if edit is None:
            return endpoint
        if edit.url != endpoint.url:
            steps.refuse_address(edit.url)
        await store.update_endpoint(tx, id, edit)
        return await store.get_endpoint(tx, id)
