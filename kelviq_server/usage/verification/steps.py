"""What is verified with the books: what was reported, counted anew, and what all of it comes to."""

from uuid import UUID

from kelviq_server.platform.database import Tx
from kelviq_server.usage.meters.steps import meters_now
from kelviq_server.usage.reports import steps as reports
from kelviq_server.usage.verification import rules, store
from kelviq_server.usage.verification.records import Recounted
from kelviq_server.usage.verification.store import QUESTIONS

__all__ = ["QUESTIONS", "recount"]


async def recount(tx: Tx, after: UUID | None, limit: int) -> Recounted:
    """Count so many reports anew that come after one, or the first; `last` is None where there are no more."""
    # Read first: whatever counts one of them is among the meters then.
    events = await reports.list_events_after(tx, after, limit)
    meters = (await meters_now(tx)).by_id.values()
    created = await store.list_created(tx)
    found = [each for event in events if (each := rules.miscounted(event, meters, created)) is not None]
    return Recounted(len(events), events[-1].id if events else None, found)
