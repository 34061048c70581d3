"""The operations that change a subscription, and show what a change would come to."""

from starlette.responses import Response

from kelviq_server.billing.sales.errors import (
    AmountTooLarge,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    PeriodNotSold,
    PlanNotForCountry,
    PlanNotForSale,
)
from kelviq_server.payments.errors import PaymentMethodRequired
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.subscriptions.changes.actions.change_plan import change_plan
from kelviq_server.subscriptions.changes.actions.preview_change import preview_change
from kelviq_server.subscriptions.changes.errors import (
    BoughtOnce,
    ChangeWaits,
    PaymentUnderWay,
    SubscriptionUnpaid,
    TrialEndPast,
)
from kelviq_server.subscriptions.changes.schemas import (
    PreviewSubscriptionUpdateResponse,
    UpdateSubscriptionRequest,
    UpdateSubscriptionResponse,
    preview_answer,
)
from kelviq_server.subscriptions.life.errors import SubscriptionEnded, SubscriptionReplaced, SubscriptionUnknown
from kelviq_server.subscriptions.life.routes import BY_ID

operations = Operations("Subscriptions", Access.SERVER)
_REFUSES = [
    SubscriptionUnknown, SubscriptionReplaced, SubscriptionEnded, BoughtOnce, SubscriptionUnpaid, PaymentUnderWay,
    ChangeWaits, TrialEndPast, PlanNotForSale, PlanNotForCountry,
    PeriodNotSold, NoOneTimePrice, NoPriceInCurrency, CustomAmountRequired, AmountTooLarge,
]  # fmt: skip


@operations.add(
    "POST",
    "/subscriptions/{subscriptionId}/update/",
    "updateSubscription",
    summary="Update a subscription",
    body=UpdateSubscriptionRequest,
    answer=UpdateSubscriptionResponse,
    path_schemas=BY_ID,
    refuses=[*_REFUSES, PaymentMethodRequired],
    resumes=True,
)
async def update(call: Call[UpdateSubscriptionRequest]) -> Response:
    """Gives a subscription another plan, charge period or quantities, or moves the end of its trial.

    The rest of the period is credited at the old price and charged at the new one. The answer names a new record; with
    `activate_on_payment` it is `incomplete` until it is paid.
    """
    id = await change_plan(call.tenant, call.body.change(call.uuid("subscriptionId"), call.claim_id))
    return json_answer({"subscriptionId": id})


@operations.add(
    "POST",
    "/subscriptions/{subscriptionId}/update/preview/",
    "previewSubscriptionUpdate",
    summary="Preview an update of a subscription",
    body=UpdateSubscriptionRequest,
    answer=PreviewSubscriptionUpdateResponse,
    path_schemas=BY_ID,
    refuses=_REFUSES,
)
async def preview(call: Call[UpdateSubscriptionRequest]) -> Response:
    """Returns what the same update would charge if it were made at this instant. Nothing is changed."""
    change = call.body.change(call.uuid("subscriptionId"), None)
    return json_answer(preview_answer(await preview_change(call.tenant, change)))
