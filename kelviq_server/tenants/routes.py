"""The operations on the organization that a key belongs to."""

from starlette.responses import Response

from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.tenants import store
from kelviq_server.tenants.actions.update_seller import update_seller
from kelviq_server.tenants.schemas import OrganizationResponse, OrganizationUpdateRequest, organization_answer

operations = Operations("Organization", Access.SERVER)


@operations.add(
    "GET",
    "/organization/",
    "retrieveOrganization",
    summary="Retrieve the organization",
    answer=OrganizationResponse,
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves the organization that the key belongs to, with its details in the key's environment."""
    async with reading(call.tenant) as tx:
        seller = await store.get_seller(tx)
    return json_answer(organization_answer(seller))


@operations.add(
    "PATCH",
    "/organization/",
    "updateOrganization",
    summary="Update the organization",
    body=OrganizationUpdateRequest,
    answer=OrganizationResponse,
)
async def update(call: Call[OrganizationUpdateRequest]) -> Response:
    """Changes the details that are sent, in the key's environment. Documents issued before keep what they say."""
    return json_answer(organization_answer(await update_seller(call.tenant, call.body.sent())))
