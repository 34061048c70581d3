"""What falls due of subscriptions: renewals, ends of trials, retries, endings, payments that came too late."""

import asyncio
from uuid import UUID

from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.cycles.actions.take_due import take_due
from kelviq_server.subscriptions.cycles.store import NEXT_DUE

# A second's work, or so; whoever moves a clock looks at the time between two batches.
BATCH = 100
AT_ONCE = 6


async def _carry_out(tenant: Tenant) -> int:
    """Do what is due by the tenant's clock, several at once; one that fails is left alone for a while."""
    taken = await take_due(tenant, BATCH)
    gate = asyncio.Semaphore(AT_ONCE)

    async def do(id: UUID) -> bool:
        async with gate:
            return await carry_out_due(tenant, id)

    done = await asyncio.gather(*(do(id) for id in taken), return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return len(taken)


SUBSCRIPTIONS = DueWork("subscriptions", NEXT_DUE, _carry_out)
