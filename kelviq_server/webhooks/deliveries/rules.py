"""When an event is told, how it is signed, and what becomes of it when it is not taken."""

import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from kelviq_server.core.period import whole_seconds
from kelviq_server.webhooks.deliveries.errors import TooManyEvents
from kelviq_server.webhooks.deliveries.events import WebhookTested
from kelviq_server.webhooks.deliveries.records import Attempt, Delivery, Health, Outcome, Step

MAX_REPLAYED = 50_000
# As long as what is taken may take: an attempt, and writing down what came of it. Then another takes it.
LEASE_TIME = timedelta(seconds=20)
# What begins later might still be on its way when another has taken it, and told those behind it, too.
BEGIN_WITHIN = LEASE_TIME / 2
# After each failure, the pause before the next attempt; the last one repeats, up to a last attempt at the end.
PAUSES = (
    *[timedelta(seconds=60)] * 3,
    *[timedelta(minutes=minutes) for minutes in (5, 15, 60)],
    *[timedelta(hours=hours) for hours in (4, 8, 24)],
)
# So long a delivery is tried, and so long an endpoint may fail.
PATIENCE = timedelta(hours=72)
# After so many failures a delivery holds up no later one.
FAILURES_IN_LINE = 3
GONE = 410


def signed_headers(event_id: UUID, body: bytes, secret: str, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sent a body, and when.

    One signature, in hexadecimal, over `id.timestamp.body`, keyed by the whole secret: what the official clients check.
    """
    seconds = str(whole_seconds(at))
    signed = b".".join((str(event_id).encode(), seconds.encode(), body))
    return {
        "Content-Type": "application/json",
        "webhook-id": str(event_id),
        "webhook-timestamp": seconds,
        "webhook-signature": "v1," + hmac.new(secret.encode(), signed, sha256).hexdigest(),
    }


def kept_text(answer: bytes) -> str:
    """Return the beginning of an answer as a text that can be kept, whatever it was."""
    return answer.decode(errors="replace").replace("\x00", "\ufffd")


def outcome(delivery: Delivery, is_success: bool, now: datetime) -> Outcome:
    """Return what becomes of a delivery after an attempt that ended now."""
    if is_success or delivery.type == WebhookTested.type:
        return Outcome(Step.DONE, None)
    end = delivery.queued_at + PATIENCE
    if now >= end:
        return Outcome(Step.DONE, None)
    due_at = min(now + PAUSES[min(delivery.failures, len(PAUSES) - 1)], end)
    steps_aside = delivery.failures + 1 >= FAILURES_IN_LINE and delivery.lane != delivery.event_id
    return Outcome(Step.ASIDE if steps_aside else Step.RETRY, due_at)


def health(attempts: Iterable[Attempt]) -> list[Health]:
    """Return what attempts say about their endpoints, as far as that is new: that they failed, or that they recovered.

    One success outweighs failures beside it, and a test that fails says nothing. Ordered by endpoint, so that no two
    writers wait for each other.
    """
    by_endpoint: dict[tuple[UUID, str], list[Attempt]] = {}
    for attempt in attempts:
        if attempt.is_success or attempt.delivery.type != WebhookTested.type:
            by_endpoint.setdefault((attempt.delivery.endpoint_id, attempt.delivery.url), []).append(attempt)
    return [
        Health(
            endpoint_id=id,
            url=url,
            is_success=any(attempt.is_success for attempt in made),
            is_gone=any(attempt.status_code == GONE for attempt in made),
            at=min(attempt.attempted_at for attempt in made),
        )
        for (id, url), made in sorted(by_endpoint.items())
        if any(not attempt.is_success or attempt.delivery.failing_since is not None for attempt in made)
    ]


def refuse_replay(count: int) -> None:
    """Raise TooManyEvents for more than is told once more at a time."""
    if count > MAX_REPLAYED:
        raise TooManyEvents
