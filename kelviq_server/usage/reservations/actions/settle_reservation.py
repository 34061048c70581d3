"""Count what was used of what was held."""

from uuid import UUID

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.reports import steps as reports
from kelviq_server.usage.reservations import rules, steps
from kelviq_server.usage.reservations.records import Reservation


async def settle_reservation(tenant: Tenant, id: UUID, value: int) -> Reservation:
    """Hold nothing any more and count what was used, which may be more or less, exactly once.

    Raises NotFound, ReservationSettled, ReservationReleased, ReservationExpired, and what stops a report.
    """
    async with transaction(tenant) as tx:
        before, rows = await steps.lock(tx, id)
        settled = rules.settled(before, value, tx.now)
        if settled != before:
            # Given back first: what is used may be drawn from it.
            await steps.end(tx, settled)
            # No subscription begins meanwhile: its customer is locked.
            is_granted = any(each.grants_at(tx.now) for each in rows)
            ungranted = [] if is_granted else [(settled.customer_id, settled.feature_id)]
            [outcome] = await reports.count_all(tx, [rules.report_of(settled)], ungranted)
            if isinstance(outcome, Refusal):
                raise outcome
        return settled
