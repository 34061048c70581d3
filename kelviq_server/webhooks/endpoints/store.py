"""All SQL about endpoints."""

from typing import LiteralString
from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.database import Tx
from kelviq_server.platform.listing import CHOSEN, Listed, listing, page_parameters_of
from kelviq_server.platform.paging import Page
from kelviq_server.webhooks.endpoints.records import DisabledReason, Endpoint, EndpointEdit, NewEndpoint, NewSecret

_ENDPOINT: LiteralString = (
    "id, url, event_types, description, is_enabled, disabled_reason, disabled_at, failing_since, secret_start,"
    " created_at, modified_at,"
    " (SELECT min(queued_at) FROM webhook_deliveries WHERE endpoint_id = page.id) AS waiting_since"
)


async def list_endpoints(tx: Tx, page: Page) -> Listed[Endpoint]:
    """Return a page of the endpoints, newest first."""
    return await tx.decoded(
        Listed[Endpoint],
        listing(
            "SELECT id, seq FROM webhook_endpoints WHERE tenant_id = %(tenant_id)s AND deleted_at IS NULL",
            "SELECT * FROM webhook_endpoints WHERE tenant_id = %(tenant_id)s AND " + CHOSEN,
            _ENDPOINT,
        ),
        {"tenant_id": tx.tenant_id, **page_parameters_of(page)},
    )


async def get_endpoint(tx: Tx, id: UUID) -> Endpoint:
    """Return an endpoint; raises NotFound."""
    endpoint = await tx.find_decoded(
        Endpoint,
        "SELECT row_to_json(endpoint) FROM (SELECT " + _ENDPOINT + " FROM webhook_endpoints AS page"
        " WHERE tenant_id = %s AND id = %s AND deleted_at IS NULL) AS endpoint",
        (tx.tenant_id, id),
    )
    if endpoint is None:
        raise NotFound
    return endpoint


async def lock_endpoint(tx: Tx, id: UUID) -> Endpoint:
    """Return an endpoint that nobody else changes until this transaction ends; raises NotFound."""
    await tx.execute(
        "SELECT FROM webhook_endpoints WHERE tenant_id = %s AND id = %s FOR NO KEY UPDATE", (tx.tenant_id, id)
    )
    return await get_endpoint(tx, id)


async def lock_count(tx: Tx) -> int:
    """Return how many endpoints there are; nobody adds one until this transaction ends."""
    await tx.alone_with("webhook endpoints")
    return await tx.value(
        "SELECT count(*) FROM webhook_endpoints WHERE tenant_id = %s AND deleted_at IS NULL", (tx.tenant_id,)
    )


async def insert_endpoint(tx: Tx, id: UUID, new: NewEndpoint, secret: NewSecret) -> None:
    """Write an endpoint."""
    await tx.execute(
        "INSERT INTO webhook_endpoints (tenant_id, id, url, event_types, description, is_enabled, disabled_reason,"
        "  disabled_at, sealed_secret, secret_start, created_at, modified_at)"
        " VALUES (%(tenant_id)s, %(id)s, %(url)s, %(event_types)s, %(description)s, %(is_enabled)s, %(reason)s,"
        "  %(disabled_at)s, %(sealed_secret)s, %(secret_start)s, %(now)s, %(now)s)",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "url": new.url,
            "event_types": list(new.event_types),
            "description": new.description,
            "is_enabled": new.is_enabled,
            "reason": None if new.is_enabled else DisabledReason.REQUESTED,
            "disabled_at": None if new.is_enabled else tx.machine_now,
            "sealed_secret": secret.sealed,
            "secret_start": secret.start,
            "now": tx.now,
        },
    )


async def update_endpoint(tx: Tx, id: UUID, edit: EndpointEdit) -> None:
    """Write a locked endpoint's new values. One enabled anew, or moved, has not failed yet."""
    await tx.execute(
        "UPDATE webhook_endpoints SET url = %(url)s, event_types = %(event_types)s, description = %(description)s,"
        "  is_enabled = %(is_enabled)s, modified_at = %(now)s,"
        "  disabled_reason = CASE WHEN %(is_enabled)s THEN NULL ELSE coalesce(disabled_reason, %(requested)s) END,"
        "  disabled_at = CASE WHEN %(is_enabled)s THEN NULL ELSE coalesce(disabled_at, %(machine_now)s) END,"
        "  failing_since = CASE WHEN (%(is_enabled)s AND NOT is_enabled) OR url <> %(url)s THEN NULL"
        "    ELSE failing_since END"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "url": edit.url,
            "event_types": list(edit.event_types),
            "description": edit.description,
            "is_enabled": edit.is_enabled,
            "requested": DisabledReason.REQUESTED,
            "now": tx.now,
            "machine_now": tx.machine_now,
        },
    )


async def update_secret(tx: Tx, id: UUID, secret: NewSecret) -> None:
    """Write a locked endpoint's new secret."""
    await tx.execute(
        "UPDATE webhook_endpoints SET sealed_secret = %s, secret_start = %s, modified_at = %s"
        " WHERE tenant_id = %s AND id = %s",
        (secret.sealed, secret.start, tx.now, tx.tenant_id, id),
    )


async def update_deleted(tx: Tx, id: UUID) -> None:
    """Take a locked endpoint out of every list and wipe its secret; what is on its way to it is swept up later."""
    await tx.execute(
        "UPDATE webhook_endpoints SET deleted_at = %(now)s, modified_at = %(now)s, sealed_secret = NULL,"
        "  is_enabled = false, disabled_reason = coalesce(disabled_reason, %(requested)s),"
        "  disabled_at = coalesce(disabled_at, %(machine_now)s)"
        " WHERE tenant_id = %(tenant_id)s AND id = %(id)s",
        {
            "tenant_id": tx.tenant_id,
            "id": id,
            "now": tx.now,
            "machine_now": tx.machine_now,
            "requested": DisabledReason.REQUESTED,
        },
    )
