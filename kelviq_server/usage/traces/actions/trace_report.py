"""Find out what became of a report."""

from uuid import UUID

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.platform.database import Tenant, Tx, reading
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.meters.steps import meters_now
from kelviq_server.usage.reports import steps as reports
from kelviq_server.usage.reports.records import UsageEvent
from kelviq_server.usage.traces import rules
from kelviq_server.usage.traces.records import Trace, TracedShare


async def trace_report(tenant: Tenant, key: str) -> Trace:
    """Return what became of the report with this key, which may be one of ours; raises NotFound."""
    async with reading(tenant) as tx:
        event = await _find_event(tx, key)
        if event is None:
            raise NotFound
        known = await meters_now(tx)
        customer = (await customers.list_by_id(tx, {event.customer_id}))[event.customer_id]
        subscriptions = {
            (each.feature_id, each.lineage_id): each.subscription_id
            for each in await allowances.list_of_customer(tx, event.customer_id)
        }
    shares = [
        TracedShare(
            known.by_id[each.feature_id].identifier, subscriptions.get((each.feature_id, each.lineage_id)), each
        )
        for each in event.counted
    ]
    shares.sort(key=lambda each: each.feature)
    feature = None if event.feature_id is None else known.by_id[event.feature_id].identifier
    return Trace(event, customer.external_id, feature, shares, rules.not_counted(event, known))


async def _find_event(tx: Tx, key: str) -> UsageEvent | None:
    """Return what was reported under a key of the caller's, else under one that we made."""
    # White space at its ends is taken off a key when it is sent.
    found = await reports.list_keys(tx, [key.strip()])
    try:
        id = found[0].event_id if found else UUID(hex=key)
    except ValueError:
        return None
    events = await reports.list_events(tx, [id])
    return events[0] if events else None
