"""Makes valid things from no arguments."""

from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import uuid4

from kelviq_server.customers.actions.create_customer import create_customer
from kelviq_server.customers.records import Customer, NewCustomer
from kelviq_server.media import steps as media
from kelviq_server.media.actions.prepare_upload import prepare_upload
from kelviq_server.media.records import StoredFile, Upload
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.platform.file_store import current_file_store
from kelviq_server.platform.local_files import LocalFiles
from kelviq_server.platform.upload_policy import Permission
from kelviq_server.promotions.discounts.actions.create_discount import create_discount
from kelviq_server.promotions.discounts.records import Discount
from kelviq_server.promotions.discounts.schemas import DiscountCreateRequest
from kelviq_server.tenants import steps as tenants
from kelviq_server.tenants.actions.found_organization import found_organization
from kelviq_server.tenants.clocks import store as clocks
from kelviq_server.tenants.records import EnvironmentName, Organization, OrganizationKeys

_numbers = count(1)


@dataclass(frozen=True)
class Made:
    """An organization, with what is needed to act for it."""

    organization: Organization
    keys: OrganizationKeys
    sandbox: Tenant
    production: Tenant


async def organization(name: str | None = None) -> Made:
    """Found an organization."""
    founded, keys = await found_organization(name or f"Organization {uuid4().hex[:8]}")
    async with reading(INSTANCE) as tx:
        sandbox = await tenants.find_tenant(tx, founded.slug, EnvironmentName.SANDBOX)
        production = await tenants.find_tenant(tx, founded.slug, EnvironmentName.PRODUCTION)
    assert sandbox is not None
    assert production is not None
    return Made(founded, keys, sandbox, production)


def new_customer(**fields: Any) -> NewCustomer:
    """Return what a customer is made from."""
    return NewCustomer(**{"external_id": f"customer-{next(_numbers)}", "name": "Ada Lovelace", **fields})


async def customer(tenant: Tenant, **fields: Any) -> Customer:
    """Create a customer."""
    return await create_customer(tenant, new_customer(**fields))


async def discount(tenant: Tenant, **fields: Any) -> Discount:
    """Create a discount of a tenth, from what the wire calls its fields."""
    body = {"name": "Launch", "type": "PERCENTAGE", "percentage": 10, **fields}
    return await create_discount(tenant, DiscountCreateRequest.model_validate(body).sent())


async def upload(tenant: Tenant, content: bytes | None = b"content", name: str = "a.png") -> Upload:
    """Prepare an upload and post its content, if any, past HTTP."""
    prepared, _ = await prepare_upload(tenant, name, "image/png", "http://testserver")
    if content is not None:
        put_object(prepared.upload_key, content)
    return prepared


def put_object(key: str, content: bytes) -> None:
    """Put an object into the built-in store."""
    files = current_file_store()
    assert isinstance(files, LocalFiles)
    incoming = files.receive(Permission(key, 0, len(content)))
    incoming.take(content)
    incoming.finish()


async def attached(tenant: Tenant, content: bytes = b"content", *, public: bool = False) -> StoredFile:
    """Upload a file and attach it, as a module would that owns it."""
    prepared = await upload(tenant, content)
    size_bytes = await current_file_store().keep(prepared.upload_key, prepared.file_key)
    async with transaction(tenant) as tx:
        [file] = await media.attach(tx, [(prepared, size_bytes)], public=public)
    return file


async def events(tenant: Tenant) -> list[dict[str, Any]]:
    """Return what was announced for a tenant, in the order in which it happened."""
    async with reading(tenant) as tx:
        found = await tx.value(
            "SELECT json_agg(payload ORDER BY seq) FROM outbox WHERE tenant_id IS NOT DISTINCT FROM %s", (tenant.id,)
        )
    return found or []


async def freeze_clock(tenant: Tenant, at: datetime) -> None:
    """Let a sandbox's time stand still at any instant, an earlier one too."""
    async with transaction(tenant) as tx:
        await clocks.update_frozen(tx, at)
