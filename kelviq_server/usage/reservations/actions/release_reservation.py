"""Give back what is held."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.reservations import rules, steps
from kelviq_server.usage.reservations.records import Reservation


async def release_reservation(tenant: Tenant, id: UUID) -> Reservation:
    """Hold nothing any more; again, or after it has expired, that changes nothing.

    Raises NotFound, ReservationSettled.
    """
    async with transaction(tenant) as tx:
        before, _ = await steps.lock(tx, id)
        released = rules.released(before, tx.now)
        if released != before:
            await steps.end(tx, released)
        return released
