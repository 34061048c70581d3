"""What other modules may borrow: founding an organization, telling whose key it is, and who sells."""

from uuid import UUID

from kelviq_server.core.slugs import free_slug, slug_of
from kelviq_server.platform.database import Tenant, Tx
from kelviq_server.platform.ids import new_id, random_text
from kelviq_server.platform.operations import Access, Caller
from kelviq_server.platform.vault import Vault
from kelviq_server.tenants import store
from kelviq_server.tenants.errors import UserExists
from kelviq_server.tenants.records import (
    Environment,
    EnvironmentKeys,
    EnvironmentName,
    FoundedOrganization,
    KeyKind,
    NewKey,
    OrganizationKeys,
)
from kelviq_server.tenants.rules import SHOWN_CHARACTERS, key_hash, key_of
from kelviq_server.tenants.store import (
    find_gateway,
    get_environment,
    get_seller,
    has_gateway,
    list_keys,
    list_organizations,
)

__all__ = [
    "SERVER_KEY_PURPOSE",
    "SHOWN_CHARACTERS",
    "add_key",
    "add_organization",
    "add_owner",
    "find_caller",
    "find_gateway",
    "find_tenant",
    "get_environment",
    "get_seller",
    "get_tenant",
    "has_gateway",
    "key_hash",
    "list_keys",
    "list_named_tenants",
    "list_organizations",
    "new_key",
    "new_organization_keys",
    "tenant_of",
]

# What a sealed server key is bound to.
SERVER_KEY_PURPOSE = "server key"


def new_key(kind: KeyKind, environment: EnvironmentName) -> NewKey:
    """Return a new key."""
    return key_of(kind, environment, random_text())


def new_organization_keys() -> OrganizationKeys:
    """Return the four keys that an organization starts with."""

    def pair(environment: EnvironmentName) -> EnvironmentKeys:
        return EnvironmentKeys(new_key(KeyKind.SERVER, environment), new_key(KeyKind.CLIENT, environment))

    return OrganizationKeys(pair(EnvironmentName.SANDBOX), pair(EnvironmentName.PRODUCTION))


async def add_organization(
    tx: Tx, name: str, keys: OrganizationKeys, vault: Vault | None = None
) -> FoundedOrganization:
    """Write an organization, its two environments and their keys.

    With a vault, the production server key is also kept sealed, for the partner who provisioned it.
    """
    await store.lock_slugs(tx)
    slug = slug_of(name, fallback="organization")
    slug = free_slug(slug, await store.list_slugs(tx, slug))
    organization = await store.insert_organization(tx, new_id(tx.now), name, slug)
    ids = {
        environment: await _add_environment(tx, organization.id, environment, pair, vault)
        for environment, pair in (
            (EnvironmentName.SANDBOX, keys.sandbox),
            (EnvironmentName.PRODUCTION, keys.production),
        )
    }
    return FoundedOrganization(organization, *ids[EnvironmentName.PRODUCTION])


async def _add_environment(
    tx: Tx, organization_id: int, name: EnvironmentName, keys: EnvironmentKeys, vault: Vault | None
) -> tuple[UUID, UUID]:
    tenant_id = await store.insert_environment(tx, organization_id, name)
    keeps_server_key = vault is not None and name is EnvironmentName.PRODUCTION
    return (
        await add_key(tx, tenant_id, keys.server, vault if keeps_server_key else None),
        await add_key(tx, tenant_id, keys.client),
    )


async def add_key(tx: Tx, tenant_id: int, key: NewKey, vault: Vault | None = None) -> UUID:
    """Write a key and return its id."""
    id = new_id(tx.now)
    await store.insert_key(
        tx,
        id,
        tenant_id,
        key.kind,
        key_hash(key.plain),
        key.plain[:SHOWN_CHARACTERS],
        public=key.plain if key.kind is KeyKind.CLIENT else None,
        sealed=vault.seal(key.plain, SERVER_KEY_PURPOSE) if vault and key.kind is KeyKind.SERVER else None,
    )
    return id


async def add_owner(tx: Tx, organization_id: int, email: str) -> int:
    """Write the user who owns an organization and return the id; raises UserExists."""
    user_id = await store.insert_user(tx, email)
    if user_id is None:
        raise UserExists
    await store.insert_owner(tx, organization_id, user_id)
    return user_id


async def find_caller(tx: Tx, plain_key: str) -> Caller | None:
    """Return who calls with this key, or None."""
    owner = await store.find_key_owner(tx, key_hash(plain_key))
    if owner is None:
        return None
    tenant = Tenant(owner.tenant_id, owner.organization, owner.environment == EnvironmentName.SANDBOX)
    access = Access.SERVER if owner.kind == KeyKind.SERVER else Access.CLIENT
    return Caller(tenant, str(owner.key_id), access)


async def find_tenant(tx: Tx, slug: str | None, name: EnvironmentName) -> Tenant | None:
    """Return an organization's environment as a tenant; without a slug, the first organization's."""
    environment = await store.find_environment(tx, slug, name)
    return None if environment is None else tenant_of(environment)


async def get_tenant(tx: Tx, id: int) -> Tenant:
    """Return the tenant with this id, which must be there."""
    return tenant_of(await store.get_environment(tx, id))


async def list_named_tenants(tx: Tx) -> dict[str, Tenant]:
    """Return every tenant of the instance, by its organization's slug and its environment's name."""
    return {f"{each.slug} {each.name}": tenant_of(each) for each in await store.list_environments(tx)}


def tenant_of(environment: Environment) -> Tenant:
    """Return the environment as what a transaction works for."""
    return Tenant(environment.id, environment.organization, environment.name == EnvironmentName.SANDBOX)
