"""How reservations end. Whoever begins or ends one locks its customer first, then the allowances, in one order for all.

So does whoever begins a subscription, to which what is held may move.
"""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.customers import steps as customers
from kelviq_server.platform.database import Tx
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.allowances.records import Allowance
from kelviq_server.usage.reservations import store
from kelviq_server.usage.reservations.records import Due, Reservation
from kelviq_server.usage.reservations.store import QUESTIONS

__all__ = ["QUESTIONS", "end", "expire_due", "lock"]


async def lock(tx: Tx, id: UUID) -> tuple[Reservation, list[Allowance]]:
    """Return a reservation that nobody else ends until this transaction does, and its customer's allowances, locked.

    Raises NotFound.
    """
    known = await store.get_reservation(tx, id)
    await customers.lock_by_id(tx, known.customer_id)
    rows = await allowances.lock_of_customer(tx, known.customer_id, [known.feature_id])
    return await store.lock_reservation(tx, id), rows


async def end(tx: Tx, ended: Reservation) -> None:
    """Give back what a locked reservation holds, and write how it ended."""
    await allowances.release(tx, [ended.id])
    await store.update_ended(tx, ended)


async def expire_due(tx: Tx, customer_id: UUID, due: Sequence[Due]) -> int:
    """Give back what reservations of one customer hold whose time is over; return of how many something was held."""
    await customers.lock_by_id(tx, customer_id)
    await allowances.lock_of_customer(tx, customer_id, {each.feature_id for each in due})
    # What ended meanwhile holds nothing any more.
    ids = [each.id for each in due]
    await allowances.release(tx, ids)
    return await store.update_expired(tx, ids)
