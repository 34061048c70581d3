"""What partners send and read."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from kelviq_server.partner.records import PartnerOrganization as Record
from kelviq_server.partner.records import ProvisionOrganization
from kelviq_server.platform.vault import Vault
from kelviq_server.platform.wire import Answer, Body, Email, Identifier, Text
from kelviq_server.tenants.steps import SERVER_KEY_PURPOSE

_ABSENT: Any = None


class PartnerOrganizationProvisionRequest(Body):
    """An organization to provision: its owner, its keys and its two environments are made with it."""

    external_id: Annotated[Identifier, Field(max_length=128)] = Field(
        description="Your own identifier of this organization, unique among yours. No slash.",
        examples=["acme-corp"],
    )
    email: Email = Field(
        description="E-mail address of the owner, not known here yet.", examples=["owner@acme.example.com"]
    )
    business_name: Annotated[Text, Field(max_length=200)] = Field(
        _ABSENT, description="Name of the organization, from which its slug is made.", examples=["Acme Corp"]
    )

    def wish(self) -> ProvisionOrganization:
        """Return what is to be made; a name stands on one line, as in the subject of a mail."""
        name = " ".join(self.business_name.split()) if self.business_name else None
        return ProvisionOrganization(self.external_id, self.email, name)


class PartnerOrganization(Answer):
    """An organization that the partner provisioned, with the keys of its production environment."""

    user_id: int | None = Field(description="The owner's id.")
    organization_identifier: UUID = Field(description="Stable identifier of the organization.")
    organization_slug: str | None = Field(description="Readable identifier of the organization.")
    client_key: str | None = Field(description="The client key; null once it is revoked.")
    server_key: str | None = Field(description="The server key, a secret; null once it is revoked.")
    partner_external_id: str | None = Field(description="The partner's own identifier.")


class PartnerOrganizationList(Answer):
    """One page of the partner's organizations, newest first."""

    count: int = Field(description="How many there are in all.")
    next: str | None = Field(description="Address of the next page.", json_schema_extra={"format": "uri"})
    previous: str | None = Field(description="Address of the previous page.", json_schema_extra={"format": "uri"})
    results: list[PartnerOrganization] = Field(description="The organizations of this page.")


def shown(organization: Record, vault: Vault) -> PartnerOrganization:
    """Return the organization as its partner reads it, the server key opened."""
    sealed = organization.sealed_server_key
    return PartnerOrganization(
        user_id=organization.user_id,
        organization_identifier=organization.identifier,
        organization_slug=organization.slug,
        client_key=organization.client_key,
        server_key=None if sealed is None else vault.open(sealed, SERVER_KEY_PURPOSE),
        partner_external_id=organization.external_id,
    )
