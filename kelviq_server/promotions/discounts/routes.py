"""The operations on discounts."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.core.search import SearchTooLong, terms
from kelviq_server.platform.answers import empty_answer, json_answer
from kelviq_server.platform.database import reading
from kelviq_server.platform.listing import list_answer, search_parameter
from kelviq_server.platform.operations import UUID_IN_PATH, Access, Call, Operations, Parameter
from kelviq_server.platform.paging import InvalidPage, page_parameters, read_page
from kelviq_server.platform.wire import InvalidFields, not_a_choice
from kelviq_server.promotions.discounts import store
from kelviq_server.promotions.discounts.actions.create_discount import create_discount
from kelviq_server.promotions.discounts.actions.delete_discount import delete_discount
from kelviq_server.promotions.discounts.actions.list_discounts import list_discounts
from kelviq_server.promotions.discounts.actions.show_discount import show_discount
from kelviq_server.promotions.discounts.actions.update_discount import update_discount
from kelviq_server.promotions.discounts.errors import DiscountExists, DiscountOfPromotion
from kelviq_server.promotions.discounts.records import DiscountStatus
from kelviq_server.promotions.discounts.schemas import (
    DiscountCreateRequest,
    DiscountResponse,
    DiscountUpdateRequest,
    PaginatedDiscountRedemptions,
    PaginatedDiscounts,
    discount_answer,
    redemption_answer,
)

operations = Operations("Discounts", Access.SERVER)


@operations.add(
    "GET",
    "/discounts/",
    "listDiscounts",
    summary="List discounts",
    answer=PaginatedDiscounts,
    parameters=(
        search_parameter("code", "name"),
        Parameter("status", {"type": "string", "enum": [*DiscountStatus]}, "Only discounts of this status."),
        *page_parameters(),
    ),
    refuses=[InvalidFields, InvalidPage, SearchTooLong],
)
async def list_all(call: Call[None]) -> Response:
    """Returns a paginated list of discounts, newest first."""
    page, sought = read_page(call.query), terms(call.query.get("search", ""))
    listed = await list_discounts(call.tenant, sought, _status(call.query.get("status")), page)
    return list_answer(call, page, listed, [discount_answer(discount) for discount in listed.results])


def _status(text: str | None) -> DiscountStatus | None:
    if text is not None and text not in [*DiscountStatus]:
        raise InvalidFields({"status": [not_a_choice(text)]})
    return None if text is None else DiscountStatus(text)


@operations.add(
    "POST",
    "/discounts/",
    "createDiscount",
    summary="Create a discount",
    body=DiscountCreateRequest,
    status=201,
    answer=DiscountResponse,
    refuses=[DiscountExists],
)
async def create(call: Call[DiscountCreateRequest]) -> Response:
    """Creates a discount, whose code can be redeemed at once."""
    return json_answer(discount_answer(await create_discount(call.tenant, call.body.sent())), 201)


@operations.add(
    "GET",
    "/discounts/{pk}/",
    "retrieveDiscount",
    summary="Retrieve a discount",
    answer=DiscountResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound],
)
async def retrieve(call: Call[None]) -> Response:
    """Retrieves a discount, with how often it was redeemed."""
    return json_answer(discount_answer(await show_discount(call.tenant, call.uuid("pk"))))


@operations.add(
    "PATCH",
    "/discounts/{pk}/",
    "updateDiscount",
    summary="Update a discount",
    body=DiscountUpdateRequest,
    answer=DiscountResponse,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, DiscountExists, DiscountOfPromotion],
)
async def update(call: Call[DiscountUpdateRequest]) -> Response:
    """Changes the fields that are sent. From the first redemption on code, type, value and duration are fixed."""
    return json_answer(discount_answer(await update_discount(call.tenant, call.uuid("pk"), call.body.sent())))


@operations.add(
    "DELETE",
    "/discounts/{pk}/",
    "deleteDiscount",
    summary="Delete a discount",
    status=204,
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, DiscountOfPromotion],
)
async def delete(call: Call[None]) -> Response:
    """Deletes a discount: nobody can redeem it any more. What was bought with it keeps it, and its code is free."""
    await delete_discount(call.tenant, call.uuid("pk"))
    return empty_answer()


@operations.add(
    "GET",
    "/discounts/{pk}/redemptions/",
    "listDiscountRedemptions",
    summary="List a discount's redemptions",
    answer=PaginatedDiscountRedemptions,
    parameters=page_parameters(),
    path_schemas=UUID_IN_PATH,
    refuses=[NotFound, InvalidPage],
)
async def list_redemptions(call: Call[None]) -> Response:
    """Returns a paginated list of the orders that redeemed a discount, newest first; of a deleted one, too."""
    page, id = read_page(call.query), call.uuid("pk")
    async with reading(call.tenant) as tx:
        if not await store.has_discount(tx, id):
            raise NotFound
        listed = await store.list_redemptions(tx, id, page)
    return list_answer(call, page, listed, [redemption_answer(redemption) for redemption in listed.results])
