"""Look at a reservation."""

from uuid import UUID

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.reservations import rules, store
from kelviq_server.usage.reservations.records import Reservation


async def show_reservation(tenant: Tenant, id: UUID) -> Reservation:
    """Return a reservation as it stands now; raises NotFound."""
    async with transaction(tenant) as tx:
        return rules.as_of(await store.get_reservation(tx, id), tx.now)
