"""The operation that shows what a product is offered as."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.platform.answers import json_answer, tagged_answer
from kelviq_server.platform.operations import UUID_SCHEMA, Access, Call, Operations, Other, Parameter
from kelviq_server.subscriptions.offerings.actions.show_offering import show_offering
from kelviq_server.subscriptions.offerings.errors import ProductUnknown
from kelviq_server.subscriptions.offerings.schemas import (
    OfferingErrorResponse,
    ProductOfferingResponse,
    offering_answer,
)
from kelviq_server.visitors import steps as visitors

operations = Operations("Monetization", Access.CLIENT)
_TEXT = {"type": "string"}


@operations.add(
    "GET",
    "/monetization/product-offering/{product_id}/",
    "getProductOffering",
    summary="Get a product's offering",
    answer=ProductOfferingResponse,
    parameters=(
        Parameter("customer_id", _TEXT, "Your own id of a customer: what they have of the product is said, too."),
        Parameter("plans_enabled", _TEXT, "Only these plans, by their identifiers, separated by commas."),
        Parameter("ip_address", _TEXT, "Where the visitor is instead, for a server that asks for somebody else."),
    ),
    path_schemas={"product_id": UUID_SCHEMA},
    also={404: Other("There is no such product.", OfferingErrorResponse)},
    has_tag=True,
)
async def get_product_offering(call: Call[None]) -> Response:
    """Returns the plans of a product that are for sale where the visitor is, at the prices that hold there.

    In the currency in which people pay there where a plan is sold in it, else at its base price and a rate for showing.
    The answer has an `ETag`; one that is still the same is 304.
    """
    named = call.text("ip_address") if call.caller.access is Access.SERVER else None
    visitor = visitors.visitor_at(named or call.address)
    plans = {each.strip() for each in (call.text("plans_enabled") or "").split(",")} - {""}
    try:
        offering = await show_offering(call.tenant, call.uuid("product_id"), call.text("customer_id"), visitor, plans)
    except (NotFound, ProductUnknown):
        return json_answer({"status": "Not found", "message": ProductUnknown().text}, 404)
    answer = tagged_answer(call.request, offering_answer(offering))
    # What is seen differs by key, too; by address, which no header says, so that nobody else may keep it.
    answer.headers["Vary"] = "Authorization"
    return answer
