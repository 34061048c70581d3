"""Customers as the wire spells them."""

from typing import Any
from uuid import UUID

from pydantic import Field

from kelviq_server.customers.records import CustomerPage, NewCustomer
from kelviq_server.platform.json_body import dump
from kelviq_server.platform.wire import Answer, Body, Country, Email, FreeForm, Identifier, Text

_ABSENT: Any = None


class BillingAddress(Body):
    """The billing address of the customer."""

    country: Country = Field(_ABSENT, description="ISO 3166-1 alpha-2 code of the country.", examples=["IN"])
    line1: Text = Field(_ABSENT, description="Address line 1.", examples=["123 Main Street"])
    line2: Text | None = Field(None, description="Address line 2.", examples=["Apt 4B"])
    postal_code: Text = Field(_ABSENT, description="The postal or ZIP code.", examples=["560001"])
    city: Text = Field(_ABSENT, description="The city name.", examples=["Bangalore"])
    state: Text = Field(_ABSENT, description="The state or province.", examples=["Karnataka"])

    def text(self) -> str:
        """Return the address as it is kept and answered: the fields that were given."""
        return dump(self.model_dump(by_alias=True, exclude_unset=True))


class CustomerUpdateRequest(Body):
    """Fields of a customer to change; those not sent keep their values."""

    name: Text | None = Field(None, description="The name of the customer.", examples=["Johnathan Doe"])
    email: Email | None = Field(
        None,
        description="The e-mail address; several customers may share one.",
        examples=["jane@example.com"],
    )
    metadata: FreeForm | None = Field(
        None,
        description="Key-value pairs of your own, up to 64 KiB of JSON. A new value replaces the old one whole.",
        examples=[{"source": "sdk_import", "priority": "high"}],
    )
    billing_address: BillingAddress | None = Field(None, description="Replaces the old address whole.")

    def sent(self) -> dict[str, Any]:
        """Return the columns that were sent, with the values to keep."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if self.billing_address is not None:
            values["billing_address"] = self.billing_address.text()
        return values


class CustomerCreateRequest(CustomerUpdateRequest):
    """A customer to create."""

    customer_id: Identifier = Field(
        description="Your own stable identifier of this customer, unique for ever in its environment. No slash.",
        examples=["unique-customer-id-123"],
    )

    def new_customer(self) -> NewCustomer:
        """Return what the customer is made from."""
        sent = self.sent()
        return NewCustomer(external_id=sent.pop("customer_id"), **sent)


class CustomerResponse(Answer):
    """A customer."""

    id: UUID = Field(description="Server-generated unique UUID of the customer.")
    customer_id: str = Field(description="The merchant's identifier of the customer.")
    name: str | None = Field(description="The customer's name.")
    email: str | None = Field(description="The customer's e-mail.", json_schema_extra={"format": "email"})
    details: dict[str, Any] = Field(description="What the server knows about the customer besides.")
    metadata: dict[str, Any] | None = Field(description="The merchant's own key-value pairs.")
    billing_address: BillingAddress | None = Field(description="The billing address.")
    created_on: str = Field(description="When the customer was created.", examples=["2025-06-04T06:03:30.195790Z"])
    modified_on: str = Field(description="When the customer last changed.", examples=["2025-06-04T06:03:30.195790Z"])


class CustomerListResponse(Answer):
    """One page of the customers, newest first."""

    count: int = Field(description="How many there are in all.")
    next: str | None = Field(description="Address of the next page.", json_schema_extra={"format": "uri"})
    previous: str | None = Field(description="Address of the previous page.", json_schema_extra={"format": "uri"})
    results: list[CustomerResponse] = Field(description="The customers of this page.")


def list_body(page: CustomerPage, next: str | None, previous: str | None) -> bytes:
    """Return a page as JSON. The documents go through as they are stored: parsing them would cost more than all else."""
    head = f'{{"count":{page.count},"next":{dump(next)},"previous":{dump(previous)},"results":['
    return b"".join((head.encode(), page.documents.encode(), b"]}"))
