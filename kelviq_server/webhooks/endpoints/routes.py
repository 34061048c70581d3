"""The operations on endpoints."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.webhooks.endpoints import store
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.actions.delete_endpoint import delete_endpoint
from kelviq_server.webhooks.endpoints.actions.rotate_secret import rotate_secret
from kelviq_server.webhooks.endpoints.actions.update_endpoint import update_endpoint
from kelviq_server.webhooks.endpoints.errors import TooManyEndpoints
from kelviq_server.webhooks.endpoints.schemas import (
    PaginatedWebhookEndpoints,
    WebhookEndpoint,
    WebhookEndpointCreateRequest,
    WebhookEndpointUpdateRequest,
    WebhookEndpointWithSecret,
    endpoint_answer,
)

operations = Operations("Webhooks", Access.SERVER)


@operations.add(
    "GET",
    "/webhook/endpoints/",
    "listWebhookEndpoints",
    summary="List webhook endpoints",
    answer=PaginatedWebhookEndpoints,
    parameters=page_parameters(),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of webhook endpoints, newest first."""
    page = read_page(call.query)
    async with reading(call.tenant) as tx:
        listed = await store.list_endpoints(tx, page)
    return list_answer(call, page, listed, [endpoint_answer(endpoint) for endpoint in listed.results])


@operations.add(
    "POST",
    "/webhook/endpoints/",
    "createWebhookEndpoint",
    summary="Create a webhook endpoint",
    body=WebhookEndpointCreateRequest,
    status=201,
    answer=WebhookEndpointWithSecret,
    refuses=[TooManyEndpoints],
)
async def create(call: Call[WebhookEndpointCreateRequest]) -> Response:
    """Creates an endpoint, which is told about events from now on. The answer is the only one that has its secret."""
    return json_answer(endpoint_answer(*await create_endpoint(call.tenant, call.body.new_endpoint())), 201)


@operations.add(
    "GET",
    "/webhook/endpoints/{pk}/",
    "retrieveWebhookEndpoint",
    summary="Retrieve a webhook endpoint",
    answer=WebhookEndpoint,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves an endpoint, with how it fares."""
    async with reading(call.tenant) as tx:
        endpoint = await store.get_endpoint(tx, call.uuid("pk"))
    return json_answer(endpoint_answer(endpoint))


@operations.add(
    "PATCH",
    "/webhook/endpoints/{pk}/",
    "updateWebhookEndpoint",
    summary="Update a webhook endpoint",
    body=WebhookEndpointUpdateRequest,
    answer=WebhookEndpoint,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def update(call: Call[WebhookEndpointUpdateRequest]) -> Response:
    """Changes the fields that are sent. New events pass a disabled endpoint by; what is on its way to it waits."""
    return json_answer(endpoint_answer(await update_endpoint(call.tenant, call.uuid("pk"), call.body.sent())))


@operations.add(
    "DELETE",
    "/webhook/endpoints/{pk}/",
    "deleteWebhookEndpoint",
    summary="Delete a webhook endpoint",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def delete(call: Call[None]) -> Response:
    """Deletes an endpoint. What is on its way to it is not sent any more."""
    await delete_endpoint(call.tenant, call.uuid("pk"))
    return empty_answer()


@operations.add(
    "POST",
    "/webhook/endpoints/{pk}/rotate-secret/",
    "rotateWebhookEndpointSecret",
    summary="Rotate a webhook endpoint's secret",
    answer=WebhookEndpointWithSecret,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def rotate(call: Call[None]) -> Response:
    """Gives the endpoint a new signing secret, which counts at once: every later attempt is signed with it."""
    return json_answer(endpoint_answer(*await rotate_secret(call.tenant, call.uuid("pk"))))
