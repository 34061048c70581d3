"""What falls due of checkouts: that they are over."""

from collections.abc import Sequence

from kelviq_server.checkout.payment.actions.expire_session import expire_session
from kelviq_server.checkout.payment.actions.leave_expiring import leave_expiring
from kelviq_server.checkout.payment.actions.take_expiring import take_expiring
from kelviq_server.checkout.sessions.store import NEXT_DUE
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork, carry_out_each

# A second's work, or so; whoever moves a clock looks at the time between two batches.
BATCH = 100
AT_ONCE = 6


async def _carry_out(tenant: Tenant) -> int:
    """Let sessions expire whose time has come by the tenant's clock; one that fails is left alone for a while."""

    async def do(id: str) -> None:
        await expire_session(tenant, id)

    async def leave(ids: Sequence[str]) -> None:
        await leave_expiring(tenant, ids)

    return await carry_out_each(await take_expiring(tenant, BATCH), do, leave, at_once=AT_ONCE)


CHECKOUTS = DueWork("checkout sessions", NEXT_DUE, _carry_out)
