"""The operation that creates a subscription."""

from starlette.responses import Response

from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.sales.errors import (
    AmountTooLarge,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    PeriodNotSold,
    PlanNotForCountry,
    PlanNotForSale,
)
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.payments.errors import PaymentDeclined, PaymentMethodRequired
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.subscriptions.life.schemas import CreateSubscriptionResponse, created_answer
from kelviq_server.subscriptions.purchases.actions.create_subscription import create_subscription
from kelviq_server.subscriptions.purchases.schemas import CreateSubscriptionRequest

operations = Operations("Subscriptions", Access.SERVER)


@operations.add(
    "POST",
    "/subscriptions/create/",
    "createSubscription",
    summary="Create a subscription",
    body=CreateSubscriptionRequest,
    status=201,
    answer=CreateSubscriptionResponse,
    refuses=[
        CustomerUnknown, PlanNotForSale, PlanNotForCountry, PeriodNotSold, NoOneTimePrice, NoPriceInCurrency,
        CustomAmountRequired, AmountTooLarge, PaymentMethodRequired, PaymentDeclined, PaymentUnsettled,
    ],
    resumes=True,
)  # fmt: skip
async def create(call: Call[CreateSubscriptionRequest]) -> Response:
    """Subscribes an existing customer, with the payment method on file, without a checkout.

    A plan with a trial begins with that. Where the customer has to authenticate the payment the subscription is
    `incomplete`, and expires after 23 hours.
    """
    whole = await create_subscription(call.tenant, call.body.create(call.claim_id))
    return json_answer(created_answer(whole, whole.subscription.created_at, call.api_url), 201)
