"""Customers: those who buy from the merchant."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class NewCustomer:
    """What a customer is made from. Free-form values are JSON texts."""

    external_id: str
    name: str | None = None
    email: str | None = None
    metadata: str | None = "{}"
    billing_address: str | None = None
    details: str = "{}"

    @property
    def tax_id(self) -> str | None:
        """Return the business tax id, if any."""
        return _entry(self.details, "taxId")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer as it is kept. `external_id` is the merchant's name for it, `customerId` on the wire."""

    id: UUID
    seq: int
    external_id: str
    name: str | None
    email: str | None
    details: str
    metadata: str | None
    billing_address: str | None
    active_subscriptions: int
    created_at: datetime
    modified_at: datetime
    # The API's answer, as JSON: written by the database from the other columns.
    document: str

    @property
    def tax_id(self) -> str | None:
        """Return the business tax id, if any, as its country writes it."""
        return _entry(self.details, "taxId")

    @property
    def country(self) -> str | None:
        """Return the code of the country of the billing address, if any."""
        return _entry(self.billing_address, "country")

    @property
    def state(self) -> str | None:
        """Return the state of the billing address, as it was written, if any."""
        return _entry(self.billing_address, "state")


@dataclass(frozen=True, slots=True)
class CustomerSummary:
    """Who a customer is, as other things show it."""

    id: UUID
    external_id: str
    name: str | None
    email: str | None
    billing_address: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class CustomerPage:
    """One page of a list: its customers' documents joined by commas, and how many the whole list has."""

    count: int
    documents: bytes


@dataclass(frozen=True, slots=True)
class CustomerEdit:
    """What a change of a customer comes to: the customer's new values, and the old ones of what differs."""

    name: str | None
    email: str | None
    metadata: str | None
    billing_address: str | None
    details: str
    previous: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """How many customers of a file are new, how many were there already, and how many lines could not be taken."""

    added: int
    unchanged: int
    rejected: int


def _entry(text: str | None, name: str) -> str | None:
    return None if text is None else json.loads(text).get(name)
