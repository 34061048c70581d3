"""Hold something of a meter for a customer."""

from kelviq_server.core.errors import NotFound
from kelviq_server.customers import steps as customers
from kelviq_server.customers.records import Customer
from kelviq_server.platform.database import Tenant, Tx, transaction
from kelviq_server.platform.ids import new_id
from kelviq_server.usage.allowances import steps as allowances
from kelviq_server.usage.allowances.records import Allowance
from kelviq_server.usage.meters.records import Meter
from kelviq_server.usage.meters.steps import meters_of
from kelviq_server.usage.reports.errors import NoSuchCustomer
from kelviq_server.usage.reservations import rules, store
from kelviq_server.usage.reservations.records import NewReservation, Reservation


async def reserve_usage(tenant: Tenant, new: NewReservation) -> Reservation:
    """Hold an amount, or nothing where less than that is left; under the same key once, answered as the first time.

    Raises NoSuchCustomer, NoSuchFeature, NoMeter, NothingToReserve, NotEnoughLeft, TooMuchHeld,
    KeyOfAnotherReservation.
    """
    async with transaction(tenant) as tx:
        if (earlier := await _earlier(tx, new)) is not None:
            return earlier
        meter = await _meter(tx, new.feature)
        # A subscription that begins at the same time waits, or is waited for: what is held counts for it.
        customer = await _lock_customer(tx, new.customer)
        reservation = rules.begun(new, new_id(tx.now), customer.id, meter, tx.now)
        if not await store.insert_reservation(tx, reservation, new.key):
            earlier = await _earlier(tx, new)
            assert earlier is not None
            return earlier
        rows = await _lock(tx, reservation)
        parts = rules.parts_of(rows, meter.aggregation, new.amount, tx.now)
        await allowances.hold(tx, reservation.id, parts)
        return reservation


async def _earlier(tx: Tx, new: NewReservation) -> Reservation | None:
    earlier = None if new.key is None else await store.find_by_key(tx, new.key)
    return None if earlier is None else rules.replayed(earlier, new)


async def _lock_customer(tx: Tx, external_id: str) -> Customer:
    try:
        return await customers.lock_customer(tx, external_id)
    except NotFound:
        raise NoSuchCustomer from None


async def _meter(tx: Tx, feature: str) -> Meter:
    known = await meters_of(tx, identifiers={feature})
    return rules.reservable(known.by_identifier.get(feature))


async def _lock(tx: Tx, reservation: Reservation) -> list[Allowance]:
    """Lock a customer's allowances of a meter; where nothing grants it, one of nothing is made."""
    pair = (reservation.customer_id, reservation.feature_id)
    rows = await allowances.lock_of_customer(tx, pair[0], [pair[1]])
    if any(each.is_countable_at(tx.now) for each in rows):
        return rows
    await allowances.insert_ungranted(tx, [pair], tx.now)
    return await allowances.lock_of_customer(tx, pair[0], [pair[1]])
