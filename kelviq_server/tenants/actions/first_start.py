"""The first start of an instance: its first organization."""

from collections.abc import Callable

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.tenants import steps, store
from kelviq_server.tenants.records import Organization, OrganizationKeys

FIRST_NAME = "My Organization"


async def first_start(
    save: Callable[[Organization, OrganizationKeys], None],
) -> tuple[Organization, OrganizationKeys] | None:
    """Found the first organization and return it with its keys; None where there is one already.

    `save` keeps the keys before the transaction commits: if we die in between, the next start
    founds anew and saves anew, and never is there an organization whose keys nobody has.
    Of processes that start together, one founds and the others see it.
    """
    keys = steps.new_organization_keys()
    async with transaction(INSTANCE) as tx:
        await store.lock_slugs(tx)
        if await store.has_organizations(tx):
            return None
        organization = (await steps.add_organization(tx, FIRST_NAME, keys)).organization
        save(organization, keys)
        return organization, keys
