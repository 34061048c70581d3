"""Reckon a tenant's books anew, and say what is not what its records come to."""

from collections.abc import Callable

from kelviq_server.billing.verification import rules, steps, store
from kelviq_server.billing.verification.records import Difference, Verified
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.promotions.discounts import steps as discounts
from kelviq_server.usage.verification import steps as usage

BATCH = 1000


async def verify_books(tenant: Tenant, seen: Callable[[int], None] = lambda items: None) -> Verified:
    """Return what was looked at and what differs: nothing does, unless we are at fault. Others may write meanwhile.

    `seen` is told how many invoices, or reports of usage, of each batch were reckoned anew.
    """
    invoices, found = await _invoices(tenant, seen)
    reports, miscounted = await _reports(tenant, seen)
    found += miscounted
    for question in steps.all_questions():
        async with transaction(tenant) as tx:
            await store.update_timeout(tx)
            found += await store.list_differences(tx, question)
    async with transaction(tenant) as tx:
        found += [Difference("redemptions of discount", str(id), "", "") for id in await discounts.differences(tx)]
    return Verified(invoices, reports, found)


async def _invoices(tenant: Tenant, seen: Callable[[int], None]) -> tuple[int, list[Difference]]:
    found: list[Difference] = []
    count = number = 0
    while True:
        async with transaction(tenant) as tx:
            await store.update_timeout(tx)
            invoices = await store.list_invoices_after(tx, number, BATCH)
            if not invoices:
                break
            last = invoices[-1].number or 0
            notes = await store.list_notes_of(tx, number + 1, last)
        for invoice in invoices:
            found += rules.differences(invoice, notes.get(invoice.id, []))
        count += len(invoices)
        seen(len(invoices))
        # Where everything is wrong, a part of it says so.
        del found[store.LIMIT :]
        number = last
    return count, found


async def _reports(tenant: Tenant, seen: Callable[[int], None]) -> tuple[int, list[Difference]]:
    found: list[Difference] = []
    count, last = 0, None
    while True:
        async with transaction(tenant) as tx:
            await store.update_timeout(tx)
            batch = await usage.recount(tx, last, BATCH)
        if batch.last is None:
            return count, found
        found += [Difference("counted of report", str(e.id), e.expected, e.found) for e in batch.miscounted]
        del found[store.LIMIT :]
        count, last = count + batch.reports, batch.last
        seen(batch.reports)
