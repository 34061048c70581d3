"""Charges as the wire spells them."""

from datetime import date, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.billing.charges.records import NewCharge
from kelviq_server.billing.orders.records import BoughtFeature, WholeOrder
from kelviq_server.catalog.prices.records import TaxBehavior
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.core.money import to_amount
from kelviq_server.entitlements.license_keys import steps as licenses
from kelviq_server.platform.values import MAX_INT, Amount, Between, Currency, currency_exponents
from kelviq_server.platform.wire import Answer, Body, Identifier, Text


def _address(value: str) -> str:
    try:
        ip_address(value)
    except ValueError:
        raise PydanticCustomError("address", "Enter a valid IPv4 or IPv6 address.") from None
    return value


LOCATED = (
    "Where the customer is: decides about the currency, unless they have paid before, `currencyCode` says it, or their"
    " billing address or card is from elsewhere."
)
IpAddress = Annotated[
    Text,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]


def _once(value: ChargePeriod) -> ChargePeriod:
    if value is not ChargePeriod.ONE_TIME:
        raise PydanticCustomError("choice", '"{value}" is not a valid choice.', {"value": value.value})
    return value


class ChargeFeature(Body):
    """How many of a feature are bought."""

    identifier: Identifier = Field(description="The feature.", examples=["seats"])
    quantity: Annotated[int, Between(0, MAX_INT)] = Field(description="How many of it.", examples=[5])


class CreateChargeRequest(Body):
    """What an existing customer buys at once."""

    plan_identifier: Identifier = Field(description="The plan.", examples=["lifetime-access"])
    charge_period: Annotated[
        ChargePeriod, AfterValidator(_once), WithJsonSchema({"type": "string", "enum": ["ONE_TIME"]})
    ] = Field(description="Must be `ONE_TIME`.", examples=["ONE_TIME"])
    customer_id: Identifier = Field(description="Your own id of the customer.", examples=["cust_789"])
    features: Annotated[list[ChargeFeature], Field(max_length=100)] | None = Field(
        None, description="How many of each feature that is sold by its quantity; its least quantity, or 1, if missing."
    )
    currency_code: Currency | None = Field(
        None,
        description="Must be the customer's, if they have paid before; if missing, that, the price of where they are"
        " (`ipAddress`), or the plan's first price.",
    )
    custom_amount: Amount | None = Field(
        None, description="Of a plan sold by agreement: what it costs, in the currency's major unit."
    )
    tax_behavior: Literal["INCLUSIVE", "EXCLUSIVE"] | None = Field(
        None, description="Whether the tax is in the price; as the price says if missing."
    )
    discount_code: Text | None = Field(None, description="A discount to take off.", examples=["LAUNCH20"])
    ip_address: IpAddress | None = Field(
        None,
        description=LOCATED,
        examples=["103.154.35.20"],
    )

    def new_charge(self, request_id: UUID | None) -> NewCharge:
        """Return what the charge is made from."""
        return NewCharge(
            plan=self.plan_identifier,
            customer=self.customer_id,
            features=[BoughtFeature(feature.identifier, feature.quantity) for feature in self.features or []],
            currency=self.currency_code,
            custom_amount=self.custom_amount,
            tax_behavior=TaxBehavior(self.tax_behavior) if self.tax_behavior else None,
            discount_code=self.discount_code,
            address=self.ip_address,
            request_id=request_id,
        )


class ChargedProduct(Answer):
    """The product that was bought."""

    name: str
    id: UUID
    identifier: str


class ChargedPlan(Answer):
    """The plan that was bought."""

    name: str
    identifier: str


class ChargedFeature(Answer):
    """How many of a feature were bought."""

    identifier: str
    quantity: int


class CreateChargeResponse(Answer):
    """What was bought and paid."""

    id: UUID = Field(description="The purchase's UUID.")
    start_date: date = Field(description="The day on which it was bought, in UTC.")
    end_date: date | None = Field(description="Always null.")
    billing_period_start_time: datetime | None = Field(description="Always null.")
    billing_period_end_time: datetime | None = Field(description="Always null.")
    amount: str = Field(description="What it came to, with tax.", examples=["49.00"])
    recurrence: str = Field(description="Always empty.")
    currency: str
    status: str = Field(description="Always `active`: a charge that is not paid is refused.")
    product: ChargedProduct
    plan: ChargedPlan
    features: list[ChargedFeature]
    trial_days_remaining: int = Field(description="Always 0.")
    customer_id: str = Field(description="Your own id of the customer.")
    billing_type: str = Field(description="Always `ONE_TIME`.")
    recurrence_unit: int | None = Field(description="Always null.")
    recurrence_type: str | None = Field(description="Always null.")
    order_id: str = Field(description="The order, which says everything about the payment.")
    invoice_id: str = Field(description="The order's invoice.")
    license: list[licenses.LicenseAnswer] = Field(description="Licences that came with it.")


def charge_answer(whole: WholeOrder) -> dict[str, Any]:
    """Return a paid charge as the API answers with it."""
    order, product, version = whole.order, whole.product, whole.version
    return {
        "id": order.subscription_id,
        "startDate": order.created_at.date(),
        "endDate": None,
        "billingPeriodStartTime": None,
        "billingPeriodEndTime": None,
        "amount": str(to_amount(order.total_units, currency_exponents()[order.currency])),
        "recurrence": "",
        "currency": order.currency,
        "status": "active",
        "product": {"name": product.name, "id": product.id, "identifier": product.identifier},
        "plan": {"name": version.name, "identifier": version.identifier},
        "features": [{"identifier": each.identifier, "quantity": each.quantity} for each in order.features or []],
        "trialDaysRemaining": 0,
        "customerId": order.buyer.external_id,
        "billingType": order.billing_type,
        "recurrenceUnit": None,
        "recurrenceType": None,
        "orderId": order.id,
        "invoiceId": order.invoice_id,
        "license": [licenses.license_answer(each) for each in whole.licenses],
    }
