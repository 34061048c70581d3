"""Purchases as the wire spells them."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from kelviq_server.billing.charges.steps import LOCATED, ChargeFeature, IpAddress
from kelviq_server.billing.orders.records import BoughtFeature
from kelviq_server.core.calendar import ChargePeriod
from kelviq_server.platform.wire import Body, Description, Identifier
from kelviq_server.subscriptions.purchases.records import CreateSubscription, Offer

__all__ = ["BoughtFeatures", "CreateSubscriptionRequest", "IpAddress", "WebAddress"]

BoughtFeatures = Annotated[list[ChargeFeature], Field(max_length=100)] | None


def _web_address(value: str) -> str:
    if not value.startswith(("https://", "http://")) or any(character.isspace() for character in value):
        raise PydanticCustomError("url", "Enter a valid URL.")
    return value


WebAddress = Annotated[
    Description,
    AfterValidator(_web_address),
    WithJsonSchema({"type": "string", "format": "uri", "pattern": "^https?://"}),
]


class CreateSubscriptionRequest(Body):
    """A subscription to create for a customer who is there already."""

    plan_identifier: Identifier = Field(description="The plan.", examples=["pro"])
    charge_period: ChargePeriod = Field(
        description="How often it is charged. A free plan is bought `ONE_TIME`.", examples=["MONTHLY"]
    )
    customer_id: Identifier = Field(description="Your own id of the customer.", examples=["cust_789"])
    features: BoughtFeatures = Field(
        None, description="How many of each feature that is sold by its quantity; its least quantity, or 1, if missing."
    )
    success_url: WebAddress | None = Field(None, description="Where the customer is to go. Changes nothing yet.")
    ip_address: IpAddress | None = Field(None, description=LOCATED)

    def create(self, request_id: UUID | None) -> CreateSubscription:
        """Return what is to be created."""
        features = [BoughtFeature(feature.identifier, feature.quantity) for feature in self.features or []]
        offer = Offer(self.plan_identifier, self.charge_period, features, address=self.ip_address)
        return CreateSubscription(self.customer_id, offer, request_id)
