"""Try to bring an event to an endpoint."""

from datetime import datetime, timedelta

from kelviq_server.platform.ids import new_id
from kelviq_server.platform.outgoing import Reply, current_outgoing
from kelviq_server.webhooks.deliveries import rules
from kelviq_server.webhooks.deliveries.records import Attempt, Delivery
from kelviq_server.webhooks.endpoints import steps as endpoints


async def attempt_delivery(delivery: Delivery, at: datetime) -> Attempt:
    """Send a taken delivery, signed, and return what came of it; `at` is the present, in machine time.

    The event's id was written before, and goes with every attempt: whoever gets it twice can tell. Raises TooLate
    where so much time went by that another may have taken it.
    """
    reply = await _send(delivery, at)
    return Attempt(
        id=new_id(at),
        delivery=delivery,
        attempted_at=at,
        milliseconds=reply.milliseconds,
        is_success=reply.is_success,
        status_code=reply.status,
        failure=reply.failure,
        answer=rules.kept_text(reply.body),
        outcome=rules.outcome(delivery, reply.is_success, at + timedelta(milliseconds=reply.milliseconds)),
    )


async def _send(delivery: Delivery, at: datetime) -> Reply:
    try:
        secret = endpoints.open_secret(delivery.endpoint_id, delivery.sealed_secret)
    except ValueError:
        return Reply(None, b"", "The secret was sealed with another instance secret; rotate it.", 0)
    body = delivery.body.encode()
    headers = rules.signed_headers(delivery.event_id, body, secret, at)
    return await current_outgoing().post(delivery.url, headers, body, begin_by=at + rules.BEGIN_WITHIN)
