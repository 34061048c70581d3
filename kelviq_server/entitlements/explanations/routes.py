"""The operation that says why a customer may use a feature, or may not."""

from starlette.responses import Response

from kelviq_server.entitlements.explanations.actions.explain_access import explain_access
from kelviq_server.entitlements.explanations.schemas import ExplainEntitlementResponse, explanation_answer
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations, Parameter
from kelviq_server.platform.wire import InvalidFields

operations = Operations("Entitlements", Access.SERVER)
_TEXT = {"type": "string", "minLength": 1}


@operations.add(
    "GET",
    "/entitlements/explain/",
    "explainEntitlement",
    summary="Explain why a customer may use a feature, or may not",
    answer=ExplainEntitlementResponse,
    parameters=(
        Parameter("customer_id", _TEXT, "Your own id of the customer. Also read as `customerId`.", is_required=True),
        Parameter("feature_id", _TEXT, "The feature's identifier. Also read as `featureId`.", is_required=True),
    ),
    refuses=[InvalidFields],
)
async def explain(call: Call[None]) -> Response:
    """Says which subscription, version, override, period, counter and rule led to what `GET /entitlements/` answers.

    Where there is no such customer or feature, or nothing grants it, it says that: with 200, and without access.
    """
    customer, feature = call.required("customer_id"), call.required("feature_id")
    return json_answer(explanation_answer(customer, feature, await explain_access(call.tenant, customer, feature)))
