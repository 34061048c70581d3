"""Payment methods as the wire spells them."""

import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.payments.records import MethodStatus, NewCard, PaymentMethod
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import Between, BillingAddress, Flag
from kelviq_server.platform.wire import Answer, Body, Identifier, Text, wire_instant

_DIGITS = re.compile(r"[0-9]{12,19}", re.ASCII)
_CVC = re.compile(r"[0-9]{3,4}", re.ASCII)


def _card_number(value: str) -> str:
    digits = value.replace(" ", "").replace("-", "")
    if not _DIGITS.fullmatch(digits):
        raise PydanticCustomError("card", "Enter a valid card number.")
    return digits


def _cvc(value: str) -> str:
    if not _CVC.fullmatch(value):
        raise PydanticCustomError("cvc", "Enter the card's three or four digits.")
    return value


CardNumber = Annotated[
    Text,
    AfterValidator(_card_number),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]([ -]?[0-9]){11,18}$"}),
]
Cvc = Annotated[Text, AfterValidator(_cvc), WithJsonSchema({"type": "string", "pattern": "^[0-9]{3,4}$"})]


class PaymentMethodCreateRequest(Body):
    """A test card to save for a customer of the sandbox."""

    customer_id: Identifier = Field(description="Your own id of the customer.", examples=["cust_789"])
    card_number: CardNumber = Field(
        description="One of the test cards; spaces do not matter.", examples=["4242 4242 4242 4242"]
    )
    exp_month: Annotated[int, Between(1, 12)] = Field(12, description="The month in which it expires.", examples=[12])
    exp_year: Annotated[int, Between(2000, 2999)] = Field(2099, description="And the year.", examples=[2099])
    cvc: Cvc = Field("123", description="The digits on its back.", examples=["123"])
    is_default: Flag = Field(
        True, description="Whether the customer pays with it from now on; of a first method it is always so."
    )

    def card(self) -> NewCard:
        """Return the card."""
        return NewCard(self.card_number, self.exp_month, self.exp_year, self.cvc)


class PaymentMethodCustomer(Answer):
    """Whose method it is."""

    customer_id: str = Field(description="Your own id of the customer.")
    name: str | None
    email: str | None = Field(json_schema_extra={"format": "email"})
    billing_address: BillingAddress | None


class PaymentMethodResponse(Answer):
    """A saved payment method."""

    id: int = Field(description="The method's number.")
    customer: PaymentMethodCustomer = Field(description="Whose it is.")
    method_type: str = Field(description="What it is, such as `card`.")
    method_data: dict[str, Any] = Field(
        description="Of a card: `brand`, `last4`, `expMonth`, `expYear`, `funding`, `country`."
    )
    is_default: bool = Field(description="Whether the customer pays with it unless told otherwise.")
    status: MethodStatus = Field(description="Lists show only those that `succeeded`.")
    created_on: datetime
    modified_on: datetime


class PaymentMethodListResponse(ListAnswer):
    """One page of the payment methods, newest first."""

    results: list[PaymentMethodResponse] = Field(description="The methods of this page.")


def method_answer(method: PaymentMethod) -> dict[str, Any]:
    """Return a method as the API answers with it."""
    customer = method.customer
    return {
        "id": method.id,
        "customer": {
            "customerId": customer.external_id,
            "name": customer.name,
            "email": customer.email,
            "billingAddress": customer.billing_address,
        },
        "methodType": method.method_type,
        "methodData": method.method_data,
        "isDefault": method.is_default,
        "status": method.status,
        "createdOn": wire_instant(method.created_at),
        "modifiedOn": wire_instant(method.modified_at),
    }
