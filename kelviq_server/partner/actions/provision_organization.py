"""Provision an organization on behalf of a partner."""

from kelviq_server.partner import store
from kelviq_server.partner.errors import ExternalIdExists
from kelviq_server.partner.events import OrganizationProvisioned
from kelviq_server.partner.records import PartnerOrganization, ProvisionOrganization
from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.platform.vault import Vault
from kelviq_server.tenants import steps as tenants


async def provision_organization(partner_id: int, wish: ProvisionOrganization, vault: Vault) -> PartnerOrganization:
    """Make the owner, the organization, both environments and their keys, all or nothing.

    Raises ExternalIdExists when the partner used that id, UserExists when the e-mail is known.
    """
    keys = tenants.new_organization_keys()
    async with transaction(INSTANCE) as tx:
        await store.lock_partner(tx, partner_id)
        if await store.has_organization(tx, partner_id, wish.external_id):
            raise ExternalIdExists
        founded = await tenants.add_organization(tx, wish.business_name or wish.external_id, keys, vault)
        organization = founded.organization
        user_id = await tenants.add_owner(tx, organization.id, wish.email)
        await store.insert_organization(
            tx,
            partner_id,
            wish.external_id,
            organization.id,
            user_id,
            founded.production_client_key_id,
            founded.production_server_key_id,
        )
        tx.announce(OrganizationProvisioned(organization.identifier, organization.name, wish.email))
        return await store.get_organization(tx, partner_id, identifier=organization.identifier)
