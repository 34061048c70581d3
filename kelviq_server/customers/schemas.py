"""Customers as the wire spells them."""

import csv
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import Any, cast
from uuid import UUID

from pydantic import Field
from pydantic.alias_generators import to_camel

from kelviq_server.customers.records import Customer, CustomerPage, NewCustomer
from kelviq_server.platform.json_body import MalformedJson, dump, parse
from kelviq_server.platform.listing import ListAnswer
from kelviq_server.platform.values import BillingAddress
from kelviq_server.platform.wire import (
    TWICE,
    Answer,
    Body,
    Email,
    FreeForm,
    Identifier,
    InvalidFields,
    Text,
    read_body,
)
from kelviq_server.taxes.steps import checked_tax_id

_ABSENT: Any = None


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
    tax_id: Text | None = Field(
        None,
        description="The business tax id of the customer's country, such as a VAT id of the EU; null takes it away. "
        "Answers show it among the `details`. It goes, too, when the customer moves to a country that it is not of.",
        examples=["DE136695976"],
    )

    def sent(self) -> dict[str, Any]:
        """Return what was sent, with the values to keep, and the tax id as it was typed."""
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
        """Return what the customer is made from; raises InvalidFields for a tax id that is none."""
        sent = self.sent()
        if tax_id := sent.pop("tax_id", None):
            country = self.billing_address.country if self.billing_address else None
            sent["details"] = dump({"taxId": checked_tax_id(tax_id, country)})
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


class CustomerListResponse(ListAnswer):
    """One page of the customers, newest first."""

    results: list[CustomerResponse] = Field(description="The customers of this page.")


def list_parts(page: CustomerPage, next: str | None, previous: str | None) -> tuple[bytes, bytes, bytes]:
    """Return a page as JSON, in pieces. The documents go through as stored: to touch them would cost most."""
    head = f'{{"count":{page.count},"next":{dump(next)},"previous":{dump(previous)},"results":['
    return head.encode(), page.documents, b"]}"


_ADDRESS_CELLS = ("country", "line1", "line2", "postalCode", "city", "state")
# The cells of a customer in a CSV file, in the order in which export writes them.
CELLS = ("customerId", "name", "email", *_ADDRESS_CELLS, "taxId", "metadata")


def customer_from_json(line: bytes) -> NewCustomer:
    """Return the customer that a line of JSON describes: the create request's shape, or an exported customer.

    Raises InvalidFields.
    """
    try:
        value = parse(line)
    except MalformedJson as error:
        raise InvalidFields({"nonFieldErrors": [f"JSON parse error - {error}"]}) from None
    if isinstance(value, dict):
        _lift_tax_id(cast("dict[str, Any]", value))
    return read_body(CustomerCreateRequest, value).new_customer()


def _lift_tax_id(line: dict[str, Any]) -> None:
    """Put the tax id where the create request has it: an exported customer has it in its details."""
    details = line.get("details")
    if isinstance(details, dict) and "taxId" in details and not {"taxId", "tax_id"} & line.keys():
        line["taxId"] = details["taxId"]


def cell_names(header: Sequence[str]) -> list[str]:
    """Return what the columns of a CSV file hold, in camelCase; raises InvalidFields.

    Columns that are not ours are left alone.
    """
    names = [to_camel(name.strip()) for name in header]
    twice = {name: [TWICE] for name in CELLS if names.count(name) > 1}
    if "customerId" not in names:
        twice["customerId"] = ["This field is required."]
    if twice:
        raise InvalidFields(twice)
    return names


def customer_from_cells(names: Sequence[str], cells: Sequence[str]) -> NewCustomer:
    """Return the customer that a row of a CSV file describes; an empty cell is not given. Raises InvalidFields."""
    if len(cells) != len(names):
        raise InvalidFields({"nonFieldErrors": [f"Expected {len(names)} cells, but got {len(cells)}."]})
    given: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=True) if cell.strip()}
    body = {name: given[name] for name in ("customerId", "name", "email", "taxId") if name in given}
    if address := {name: given[name] for name in _ADDRESS_CELLS if name in given}:
        body["billingAddress"] = address
    if "metadata" in given:
        try:
            body["metadata"] = parse(given["metadata"].encode())
        except MalformedJson as error:
            raise InvalidFields({"metadata": [f"JSON parse error - {error}"]}) from None
    return read_body(CustomerCreateRequest, body).new_customer()


def json_lines(customers: Iterable[Customer]) -> bytes:
    """Return customers as JSON, one a line, each as the API answers with it."""
    return "".join(customer.document + "\n" for customer in customers).encode()


def csv_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows as CSV, with the line ends of RFC 4180: only then are line breaks of both kinds quoted in a text."""
    text = StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()


def cells(customer: Customer) -> list[str]:
    """Return a customer's CELLS. None is an empty cell, but for metadata, whose empty cell is the empty object."""
    address: dict[str, str | None] = {}
    if customer.billing_address is not None:
        address = parse(customer.billing_address.encode())
    metadata = "null" if customer.metadata is None else customer.metadata
    return [
        customer.external_id,
        customer.name or "",
        customer.email or "",
        *(address.get(name) or "" for name in _ADDRESS_CELLS),
        customer.tax_id or "",
        "" if metadata == "{}" else metadata,
    ]
