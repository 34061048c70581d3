"""The operations on promotions: what visitors get, and those with which merchants say so."""

from uuid import UUID

from starlette.responses import Response

from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.promotions.by_country import store
from kelviq_server.promotions.by_country.actions.create_promotion import create_promotion
from kelviq_server.promotions.by_country.actions.delete_promotion import delete_promotion
from kelviq_server.promotions.by_country.actions.resolve_promotion import resolve_promotion
from kelviq_server.promotions.by_country.actions.update_promotion import update_promotion
from kelviq_server.promotions.by_country.errors import PromotionUnknown
from kelviq_server.promotions.by_country.schemas import (
    ManagedPromotion,
    PaginatedPromotions,
    PromotionCreateRequest,
    PromotionGroupsResponse,
    PromotionResponse,
    PromotionUpdateRequest,
    groups_answer,
    promotion_answer,
    resolved_answer,
)
from kelviq_server.visitors import steps as visitors

operations = Operations("Promotions", Access.CLIENT)
server_operations = Operations("Promotions", Access.SERVER)
_MANAGED = "/promotions/manage/"


@operations.add(
    "GET",
    "/promotions",
    "getPromotion",
    summary="Get promotions",
    answer=PromotionResponse,
    parameters=(
        Parameter("promotion_id", {"type": "string", "minLength": 1}, "The promotion's id.", is_required=True),
        Parameter(
            "ip_address", {"type": "string"}, "Where the visitor is instead, for a server that asks for somebody else."
        ),
    ),
    refuses=[PromotionUnknown, InvalidFields],
)
async def get_promotion(call: Call[None]) -> Response:
    """Returns what a promotion has for whoever asks: the percentage, the code and the banner for their country.

    Who comes through what the promotion blocks gets nothing off, and `security` says why.
    """
    try:
        id = UUID(call.required("promotion_id"))
    except ValueError:
        raise PromotionUnknown from None
    named = call.text("ip_address") if call.caller.access is Access.SERVER else None
    visitor = visitors.visitor_at(named) if named else visitors.visitor_of(call.request, call.address)
    return json_answer(resolved_answer(await resolve_promotion(call.tenant, id, visitor)))


@server_operations.add(
    "GET",
    _MANAGED,
    "listPromotions",
    summary="List promotions",
    answer=PaginatedPromotions,
    parameters=page_parameters(),
    refuses=[InvalidPage],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a page of the promotions, newest first."""
    page = read_page(call.query)
    async with reading(call.tenant) as tx:
        listed = await store.list_promotions(tx, page)
    return list_answer(call, page, listed, [promotion_answer(each) for each in listed.results])


@server_operations.add(
    "GET",
    "/promotions/groups/",
    "listPromotionGroups",
    summary="List the groups of countries",
    answer=PromotionGroupsResponse,
)
async def list_groups(call: Call[None]) -> Response:
    """Returns which countries are in which group: by income, as the World Bank groups them."""
    return json_answer(groups_answer())


@server_operations.add(
    "POST",
    _MANAGED,
    "createPromotion",
    summary="Create a promotion",
    body=PromotionCreateRequest,
    status=201,
    answer=ManagedPromotion,
)
async def create(call: Call[PromotionCreateRequest]) -> Response:
    """Creates a promotion: what visitors of groups of countries, and of single ones, get off, for as long as they pay.

    Each country has a code of its own, which checkout takes.
    """
    return json_answer(promotion_answer(await create_promotion(call.tenant, call.body.sent())), 201)


@server_operations.add(
    "GET",
    _MANAGED + "{pk}/",
    "retrievePromotion",
    summary="Retrieve a promotion",
    answer=ManagedPromotion,
    path_schemas=UUID_IN_PATH,
    refuses=[PromotionUnknown],
)
async def retrieve(call: Call[None]) -> Response:
    """Returns a promotion."""
    async with reading(call.tenant) as tx:
        return json_answer(promotion_answer(await store.get_promotion(tx, _id(call))))


@server_operations.add(
    "PATCH",
    _MANAGED + "{pk}/",
    "updatePromotion",
    summary="Change a promotion",
    body=PromotionUpdateRequest,
    answer=ManagedPromotion,
    path_schemas=UUID_IN_PATH,
    refuses=[PromotionUnknown],
)
async def update(call: Call[PromotionUpdateRequest]) -> Response:
    """Changes a promotion at once. Another percentage is another code; who bought with the old one keeps that."""
    return json_answer(promotion_answer(await update_promotion(call.tenant, _id(call), call.body.sent())))


@server_operations.add(
    "DELETE",
    _MANAGED + "{pk}/",
    "deletePromotion",
    summary="Delete a promotion",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[PromotionUnknown],
)
async def delete(call: Call[None]) -> Response:
    """Deletes a promotion with its codes. Who bought with one keeps what it takes off."""
    await delete_promotion(call.tenant, _id(call))
    return empty_answer()


def _id(call: Call[None] | Call[PromotionUpdateRequest]) -> UUID:
    try:
        return UUID(call.path("pk"))
    except ValueError:
        raise PromotionUnknown from None
