"""The four partner operations."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.partner import store
from kelviq_server.partner.actions.provision_organization import provision_organization
from kelviq_server.partner.errors import ExternalIdExists
from kelviq_server.partner.schemas import (
    PartnerOrganization,
    PartnerOrganizationList,
    PartnerOrganizationProvisionRequest,
    shown,
)
from kelviq_server.platform.answers import model_answer
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.operations import UUID_SCHEMA, Access, Call, Caller, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, links, page_parameters, read_page
from kelviq_server.platform.vault import current_vault
from kelviq_server.tenants.errors import UserExists

operations = Operations("Partner", Access.PARTNER)
EXTERNAL_ID = Parameter(
    "external_id",
    {"type": "string"},
    "If supplied, return only the organization with this partner-side identifier.",
)


def _partner_id(caller: Caller) -> int:
    assert caller.partner_id is not None
    return caller.partner_id


@operations.add(
    "POST",
    "/partner/organizations/",
    "provisionPartnerOrganization",
    summary="Provision an organization",
    body=PartnerOrganizationProvisionRequest,
    status=201,
    answer=PartnerOrganization,
    refuses=[ExternalIdExists, UserExists],
)
async def provision(call: Call[PartnerOrganizationProvisionRequest]) -> Response:
    """Makes an organization with its owner, both environments and their keys, and welcomes the owner by mail."""
    vault = current_vault()
    organization = await provision_organization(_partner_id(call.caller), call.body.wish(), vault)
    return model_answer(shown(organization, vault), 201)


@operations.add(
    "GET",
    "/partner/organizations/",
    "listPartnerOrganizations",
    summary="List partner organizations",
    answer=PartnerOrganizationList,
    parameters=(EXTERNAL_ID, *page_parameters()),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns the organizations that the calling partner provisioned, newest first."""
    page = read_page(call.query)
    # No text of the database holds a NUL; what asks for one finds nothing.
    external_id = call.text("external_id") or None
    async with reading(INSTANCE) as tx:
        found = await store.list_organizations(tx, _partner_id(call.caller), external_id, page.offset, page.size)
    following, preceding = links(call, page.settle(found.count), page.size, found.count)
    vault = current_vault()
    results = [shown(organization, vault) for organization in found.organizations]
    return model_answer(PartnerOrganizationList(count=found.count, next=following, previous=preceding, results=results))


@operations.add(
    "GET",
    "/partner/organizations/{identifier}/",
    "retrievePartnerOrganization",
    summary="Get a partner organization by identifier",
    answer=PartnerOrganization,
    path_schemas={"identifier": UUID_SCHEMA},
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves one of the partner's organizations by its UUID."""
    identifier = call.uuid("identifier")
    async with reading(INSTANCE) as tx:
        organization = await store.get_organization(tx, _partner_id(call.caller), identifier=identifier)
    return model_answer(shown(organization, current_vault()))


@operations.add(
    "GET",
    "/partner/organizations/by-external-id/{externalId}/",
    "retrievePartnerOrganizationByExternalId",
    summary="Get a partner organization by external ID",
    answer=PartnerOrganization,
    refuses=[NotFound],
)
async def retrieve_by_external_id(call: Call[None]) -> Response:
    """Retrieves one of the partner's organizations by the partner's own identifier."""
    async with reading(INSTANCE) as tx:
        organization = await store.get_organization(tx, _partner_id(call.caller), external_id=call.path("externalId"))
    return model_answer(shown(organization, current_vault()))
