"""Found an organization."""

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.tenants import steps
from kelviq_server.tenants.records import Organization, OrganizationKeys


async def found_organization(name: str) -> tuple[Organization, OrganizationKeys]:
    """Return the organization with the keys of its two environments, readable this once."""
    keys = steps.new_organization_keys()
    async with transaction(INSTANCE) as tx:
        return (await steps.add_organization(tx, name, keys)).organization, keys
