"""The organization as it is read and changed."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import Raw
from pydantic import Field

from kelviq_server.platform.values import BillingAddress, Flag, TimeZone
from kelviq_server.platform.wire import Answer, Body, Email, Name, Text
from kelviq_server.tenants.records import EnvironmentName, Seller

_ABSENT: Any = None


class OrganizationUpdateRequest(Body):
    """Details of the organization to change, in this environment; those not sent keep their values."""

    legal_name: Name | None = Field(
        None, description="What documents call the seller. Null: the organization's name.", examples=["Acme GmbH"]
    )
    email: Email | None = Field(
        None, description="Whom customers may write to about a document.", examples=["billing@acme.example.com"]
    )
    billing_address: BillingAddress | None = Field(None, description="Replaces the old address whole.")
    tax_id: Annotated[Text, Field(max_length=64)] | None = Field(
        None, description="The seller's own tax id, as documents show it.", examples=["DE136695976"]
    )
    time_zone: TimeZone = Field(
        _ABSENT, description="IANA time zone of the days on documents.", examples=["Europe/Berlin"]
    )
    lowers_price_for_businesses: Flag = Field(
        _ABSENT,
        description="Whether a business of another country with a valid tax id pays less by the tax, where prices "
        "include it. If not, it pays the same, and the difference is yours.",
    )

    def sent(self) -> dict[str, Any]:
        """Return what was sent, as it is kept."""
        values: dict[str, Any] = {name: getattr(self, name) for name in self.model_fields_set}
        if self.billing_address is not None:
            values["billing_address"] = self.billing_address.text()
        if not values.get("tax_id", True):
            values["tax_id"] = None
        return values


class OrganizationResponse(Answer):
    """An organization and its details in this environment, which the documents it issues copy."""

    organization_id: int = Field(description="The organization's number.")
    identifier: UUID = Field(description="The organization's UUID.")
    name: str = Field(description="The organization's name.")
    slug: str = Field(description="Readable identifier of the organization.")
    environment: EnvironmentName = Field(description="Which of its two environments the key is for.")
    legal_name: str = Field(description="What documents call the seller.")
    email: str | None = Field(description="Whom customers may write to about a document.")
    billing_address: BillingAddress | None = Field(description="The seller's address.")
    tax_id: str | None = Field(description="The seller's own tax id.")
    time_zone: str = Field(description="IANA time zone of the days on documents.")
    lowers_price_for_businesses: bool = Field(
        description="Whether a business that pays the tax itself pays less where prices include it."
    )


def organization_answer(seller: Seller) -> dict[str, Any]:
    """Return an organization as the API answers with it."""
    return {
        "organizationId": seller.organization_id,
        "identifier": seller.identifier,
        "name": seller.name,
        "slug": seller.slug,
        "environment": seller.environment,
        "legalName": seller.legal_name,
        "email": seller.email,
        "billingAddress": None if seller.billing_address is None else Raw(seller.billing_address),
        "taxId": seller.tax_id,
        "timeZone": seller.time_zone,
        "lowersPriceForBusinesses": seller.lowers_price_for_businesses,
    }
