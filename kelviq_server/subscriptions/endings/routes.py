"""The operations that cancel a subscription, and take that back."""

from starlette.responses import Response

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.subscriptions.endings.actions.cancel_subscription import cancel_subscription
from kelviq_server.subscriptions.endings.actions.keep_subscription import keep_subscription
from kelviq_server.subscriptions.endings.errors import CancellationDatePast, NoPeriodEnds, NotCancelled
from kelviq_server.subscriptions.endings.schemas import CancelSubscriptionRequest, CancelSubscriptionResponse
from kelviq_server.subscriptions.life.errors import SubscriptionEnded, SubscriptionReplaced, SubscriptionUnknown
from kelviq_server.subscriptions.life.routes import BY_ID
from kelviq_server.subscriptions.life.schemas import SubscriptionResponse, subscription_answer

operations = Operations("Subscriptions", Access.SERVER)


@operations.add(
    "POST",
    "/subscriptions/{subscriptionId}/cancel/",
    "cancelSubscription",
    summary="Cancel a subscription",
    body=CancelSubscriptionRequest,
    answer=CancelSubscriptionResponse,
    path_schemas=BY_ID,
    refuses=[
        SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NoPeriodEnds, CancellationDatePast,
        PaymentUnsettled,
    ],
    resumes=True,
)  # fmt: skip
async def cancel(call: Call[CancelSubscriptionRequest]) -> Response:
    """Ends a subscription at once, with its period, or on a date. What was owed is not asked for any more."""
    await cancel_subscription(call.tenant, call.body.cancel(call.uuid("subscriptionId"), call.claim_id))
    return json_answer({"message": "Subscription cancellation processed successfully."})


@operations.add(
    "POST",
    "/subscriptions/{subscriptionId}/resume/",
    "resumeSubscription",
    summary="Resume a subscription",
    answer=SubscriptionResponse,
    path_schemas=BY_ID,
    refuses=[SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, NotCancelled],
)
async def resume(call: Call[None]) -> Response:
    """Takes back a cancellation that has not taken effect yet: the subscription is renewed again."""
    whole = await keep_subscription(call.tenant, call.uuid("subscriptionId"))
    return json_answer(subscription_answer(whole, whole.subscription.modified_at, call.api_url))
