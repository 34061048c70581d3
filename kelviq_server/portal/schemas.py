"""Portal sessions as the wire spells them."""

from typing import Any
from urllib.parse import quote

from pydantic import Field

from kelviq_server.platform.wire import Answer, Body, Identifier
from kelviq_server.portal.records import PortalSession


class CreatePortalSessionRequest(Body):
    """Whose portal is to be opened."""

    customer_id: Identifier = Field(description="Your own id of a customer who has an e-mail address.")


class CreatePortalSessionResponse(Answer):
    """What opens a customer's portal."""

    token: str = Field(description="Goes behind the address: `{customerPortalUrl}?token={token}`. It holds for a day.")
    email: str = Field(json_schema_extra={"format": "email"})
    customer_portal_url: str = Field(json_schema_extra={"format": "uri"})


def session_answer(session: PortalSession, base_url: str) -> dict[str, Any]:
    """Return what opens a customer's portal."""
    return {
        "token": session.token,
        "email": session.email,
        "customerPortalUrl": f"{base_url}/portal/{quote(session.slug, safe='')}/",
    }
