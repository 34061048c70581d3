"""What is typed into a page, as it is read."""

from pydantic import Field

from kelviq_server.checkout.sessions.records import Details
from kelviq_server.platform.wire import Body, Country, Email, Text


class TypedDetails(Body):
    """Who buys. Every field may be missing as long as nothing is paid."""

    email: Email | None = Field(None)
    name: Text | None = Field(None)
    country: Country | None = Field(None)
    line1: Text | None = Field(None)
    line2: Text | None = Field(None)
    city: Text | None = Field(None)
    state: Text | None = Field(None)
    postal_code: Text | None = Field(None)
    tax_id: Text | None = Field(None)
    discount_code: Text | None = Field(None)

    def details(self) -> Details:
        """Return who buys."""
        return Details(**self.model_dump(exclude={"discount_code"}))
