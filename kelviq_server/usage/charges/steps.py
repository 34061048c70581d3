"""What subscriptions borrow: how much was used within a period, and a note of how much of it is charged."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.core.allowance import MAX_UNITS
from kelviq_server.core.period import Period
from kelviq_server.platform.database import Tx
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.charges import store
from kelviq_server.usage.charges.records import UsageCharge
from kelviq_server.usage.charges.store import list_behind
from kelviq_server.usage.meters.rules import quantity_of
from kelviq_server.usage.meters.steps import meters_of

__all__ = ["list_behind", "note_charged", "quantity_used"]


async def note_charged(tx: Tx, customer_id: UUID, lineage_id: UUID, charges: Sequence[UsageCharge]) -> None:
    """Note what is charged of a subscription's usage, in the transaction in which its quantity was asked for."""
    await store.insert_charges(tx, lineage_id, charges)
    until = {each.feature_id: each.period.end for each in sorted(charges, key=lambda each: each.period.end)}
    await allowances.update_charged(tx, customer_id, lineage_id, until)


async def quantity_used(tx: Tx, customer_id: UUID, lineage_id: UUID, feature_id: UUID, period: Period) -> int:
    """Return how much of a feature was used within a period, in whole units, of one subscription of a locked customer.

    Whoever is about to count more of it waits until this transaction ends, and then counts it as late. All that the
    customer has is locked, in the one order. Less than nothing is never charged, and no more than can be counted.
    """
    await allowances.lock_of_customer(tx, customer_id)
    known = await meters_of(tx, {feature_id})
    aggregation = known.by_id[feature_id].aggregation
    total, count = await allowances.find_used(tx, customer_id, feature_id, lineage_id, period, aggregation)
    return min(max(quantity_of(aggregation, total, count), 0), MAX_UNITS)
