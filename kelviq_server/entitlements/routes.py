"""The operations that say what a customer may do, and those that let one do other than what plans grant."""

from starlette.responses import Response

from kelviq_server.core.errors import NotFound
from kelviq_server.entitlements.actions.check_entitlements import check_entitlements
from kelviq_server.entitlements.actions.remove_override import remove_override
from kelviq_server.entitlements.actions.reset_usage import reset_usage
from kelviq_server.entitlements.actions.set_override import set_override
from kelviq_server.entitlements.schemas import (
    CheckEntitlementsResponse,
    EntitlementOverrideRequest,
    EntitlementOverrideResponse,
    UsageResetRequest,
    UsageResetResponse,
    entitlements_answer,
    override_answer,
)
from kelviq_server.platform.answers import empty_answer, json_answer, tagged_answer
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.wire import InvalidFields
from kelviq_server.usage.reports.errors import NoMeter

operations = Operations("Entitlements", Access.CLIENT)
server_operations = Operations("Entitlements", Access.SERVER)
_OVERRIDE = "/customers/{customerId}/entitlements/{featureId}/"
_TEXT = {"type": "string"}
_SOME_TEXT = {"type": "string", "minLength": 1}


@operations.add(
    "GET",
    "/entitlements/",
    "getCustomerEntitlements",
    summary="Retrieve what a customer may do",
    answer=CheckEntitlementsResponse,
    parameters=(
        Parameter(
            "customer_id", _SOME_TEXT, "Your own id of the customer. Also read as `customerId`.", is_required=True
        ),
        Parameter("feature_id", _TEXT, "Only this feature, by its identifier. Also read as `featureId`."),
    ),
    refuses=(InvalidFields,),
    has_tag=True,
)
async def get_customer_entitlements(call: Call[None]) -> Response:
    """Returns one entry for each subscription and feature, as of now: every usage report that was answered is in it.

    Of somebody whom nobody is called, an empty list. The answer has an `ETag`; one that is still the same is 304.
    """
    customer = call.required("customer_id")
    feature = call.text("feature_id") or call.text("featureId")
    found = await check_entitlements(call.tenant, customer, feature)
    return tagged_answer(call.request, entitlements_answer(customer, found))


@server_operations.add(
    "PUT",
    _OVERRIDE,
    "setEntitlementOverride",
    summary="Override what a customer may do",
    body=EntitlementOverrideRequest,
    answer=EntitlementOverrideResponse,
    refuses=[NotFound, InvalidFields],
)
async def override(call: Call[EntitlementOverrideRequest]) -> Response:
    """Lets a value or a limit hold for one customer instead of what their subscriptions grant; it needs none of these.

    It holds at once, for the rest of the current period, too. Of a METER that several subscriptions grant, it is the
    limit of all together. Where nothing grants the METER, usage never begins again by itself, and its limit is hard.
    """
    customer = call.path("customerId")
    held = await set_override(call.tenant, customer, call.path("featureId"), call.body.new_override())
    return json_answer(override_answer(customer, held))


@server_operations.add(
    "DELETE",
    _OVERRIDE,
    "removeEntitlementOverride",
    summary="Take back an override",
    status=204,
    refuses=[NotFound],
)
async def take_back(call: Call[None]) -> Response:
    """Lets what the customer's subscriptions grant hold again, at once; what was used stays used."""
    await remove_override(call.tenant, call.path("customerId"), call.path("featureId"))
    return empty_answer()


@server_operations.add(
    "POST",
    _OVERRIDE + "reset/",
    "resetEntitlementUsage",
    summary="Reset a customer's usage",
    body=UsageResetRequest,
    answer=UsageResetResponse,
    is_body_required=False,
    refuses=[NotFound, NoMeter],
)
async def reset(call: Call[UsageResetRequest]) -> Response:
    """Sets usage of a METER in the current period to zero: the customer has their whole quota again.

    What was carried over, and what reservations hold, stays. Alerts may come again. What was used stays on record, and
    is charged where it is paid by usage.
    """
    customer, feature = call.path("customerId"), call.path("featureId")
    used = await reset_usage(call.tenant, customer, feature, call.body.reason)
    return json_answer({"customerId": customer, "featureId": feature, "previousUsage": used})
