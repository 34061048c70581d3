"""The operation that charges a customer at once."""

from starlette.responses import Response

from kelviq_server.billing.charges.actions.create_charge import create_charge
from kelviq_server.billing.charges.errors import PaymentUnsettled
from kelviq_server.billing.charges.schemas import CreateChargeRequest, CreateChargeResponse, charge_answer
from kelviq_server.billing.sales.errors import (
    AmountTooFine,
    AmountTooLarge,
    CustomAmountNotTaken,
    CustomAmountRequired,
    NoOneTimePrice,
    NoPriceInCurrency,
    OtherCurrency,
    PlanNotForCountry,
    PlanNotForSale,
)
from kelviq_server.customers.errors import CustomerUnknown
from kelviq_server.payments.errors import PaymentDeclined, PaymentMethodRequired, PaymentNeedsAuthentication
from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.promotions.discounts.errors import (
    DiscountBlocked,
    DiscountExpired,
    DiscountInOtherCurrency,
    DiscountNotForCountry,
    DiscountNotForPlan,
    DiscountUnknown,
    DiscountUsedUp,
)

operations = Operations("Charges", Access.SERVER)


@operations.add(
    "POST",
    "/charges/",
    "createCharge",
    summary="Create a charge",
    body=CreateChargeRequest,
    status=201,
    answer=CreateChargeResponse,
    refuses=[
        CustomerUnknown, PlanNotForSale, PlanNotForCountry, NoOneTimePrice, NoPriceInCurrency, OtherCurrency,
        CustomAmountRequired, CustomAmountNotTaken, AmountTooFine, AmountTooLarge, PaymentMethodRequired,
        PaymentDeclined, PaymentNeedsAuthentication, PaymentUnsettled, DiscountUnknown, DiscountExpired, DiscountUsedUp,
        DiscountNotForPlan, DiscountInOtherCurrency, DiscountNotForCountry, DiscountBlocked,
    ],
    resumes=True,
)  # fmt: skip
async def create(call: Call[CreateChargeRequest]) -> Response:
    """Charges the customer's default payment method at once. What is not paid is refused; the order then says why."""
    return json_answer(charge_answer(await create_charge(call.tenant, call.body.new_charge(call.claim_id))), 201)
