"""Fill an environment with made-up customers."""

import asyncio
from collections.abc import Callable, Iterator
from itertools import islice

from kelviq_server.core.samples import samples
from kelviq_server.customers import store
from kelviq_server.customers.records import NewCustomer
from kelviq_server.platform.database import Tenant, reading, transaction
from kelviq_server.platform.json_body import dump

# A transaction each: far below the statement timeout, also on a slow disk.
CHUNK = 10_000
_NUMBERED = "^cus_[0-9]{9}$"


async def seed_customers(tenant: Tenant, count: int, advance: Callable[[int], None]) -> None:
    """Add so many customers `cus_000000001`, `cus_000000002`..., going on after the highest number there is.

    The same start always gives the same customers. Nothing is announced: nobody did
    these things, and a webhook for each would bury the real ones.
    """
    async with reading(tenant) as tx:
        last = await store.find_last_external_id(tx, _NUMBERED)
    customers = _made_up(int(last.removeprefix("cus_")) + 1 if last else 1)
    left = count
    chunk = _take(customers, min(left, CHUNK))
    while left:
        # The database is the slower of the two: the next customers are made up while it writes.
        ahead = asyncio.create_task(asyncio.to_thread(_take, customers, min(left - len(chunk), CHUNK)))
        async with transaction(tenant) as tx:
            added = await store.insert_copied(tx, chunk)
        left -= added
        advance(added)
        # An id that somebody took meanwhile is passed over, and one more is made up instead.
        chunk = await ahead or _take(customers, min(left, CHUNK))
    async with transaction(tenant) as tx:
        await store.update_statistics(tx)


def _take(customers: Iterator[NewCustomer], count: int) -> list[NewCustomer]:
    return list(islice(customers, count))


def _made_up(start: int) -> Iterator[NewCustomer]:
    for number, sample in enumerate(samples(start), start):
        yield NewCustomer(
            external_id=f"cus_{number:09}",
            name=sample.name,
            email=sample.email,
            metadata=dump(sample.metadata),
            billing_address=dump(sample.address),
        )
