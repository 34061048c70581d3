"""What falls due of checkouts: that they are over."""

import asyncio

from kelviq_server.checkout.payment.actions.expire_session import expire_session
from kelviq_server.checkout.payment.actions.take_expiring import take_expiring
from kelviq_server.checkout.sessions.store import NEXT_DUE
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork

# A second's work, or so; whoever moves a clock looks at the time between two batches.
BATCH = 100
AT_ONCE = 6


async def _carry_out(tenant: Tenant) -> int:
    """Let sessions expire whose time has come by the tenant's clock; one that fails is left alone for a while."""
    taken = await take_expiring(tenant, BATCH)
    gate = asyncio.Semaphore(AT_ONCE)

    async def do(id: str) -> None:
        async with gate:
            await expire_session(tenant, id)

    done = await asyncio.gather(*(do(id) for id in taken), return_exceptions=True)
    for each in done:
        if isinstance(each, BaseException):
            raise each
    return len(taken)


CHECKOUTS = DueWork("checkout sessions", NEXT_DUE, _carry_out)
