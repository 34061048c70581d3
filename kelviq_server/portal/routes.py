"""The operation that lets customers into their portal."""

from starlette.responses import Response

from kelviq_server.platform.answers import json_answer
from kelviq_server.platform.operations import Access, Call, Operations
from kelviq_server.portal.actions.create_portal_session import create_portal_session
from kelviq_server.portal.errors import CustomerInvalid, EmailMissing
from kelviq_server.portal.schemas import CreatePortalSessionRequest, CreatePortalSessionResponse, session_answer

operations = Operations("Portal", Access.SERVER)


@operations.add(
    "POST",
    "/portal/session/",
    "createPortalSession",
    summary="Create a portal session",
    body=CreatePortalSessionRequest,
    answer=CreatePortalSessionResponse,
    refuses=[CustomerInvalid, EmailMissing],
)
async def create(call: Call[CreatePortalSessionRequest]) -> Response:
    """Returns an address and a token with which a customer sees their orders, files, links and licences for a day.

    The token is theirs: with another e-mail address it opens nothing any more.
    """
    session = await create_portal_session(call.tenant, call.body.customer_id)
    return json_answer(session_answer(session, call.base_url))
