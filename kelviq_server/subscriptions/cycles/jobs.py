"""What falls due of subscriptions: renewals, ends of trials, retries, endings, payments that came too late."""

from collections.abc import Sequence
from uuid import UUID

from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork, carry_out_each
from kelviq_server.subscriptions.cycles.actions.carry_out_due import carry_out_due
from kelviq_server.subscriptions.cycles.actions.leave_due import leave_due
from kelviq_server.subscriptions.cycles.actions.take_due import take_due
from kelviq_server.subscriptions.cycles.store import NEXT_DUE

# A second's work, or so; whoever moves a clock looks at the time between two batches.
BATCH = 100
AT_ONCE = 6


async def _carry_out(tenant: Tenant) -> int:
    """Do what is due by the tenant's clock, several at once; one that fails is left alone for a while."""

    async def do(id: UUID) -> None:
        await carry_out_due(tenant, id)

    async def leave(ids: Sequence[UUID]) -> None:
        await leave_due(tenant, ids)

    return await carry_out_each(await take_due(tenant, BATCH), do, leave, at_once=AT_ONCE)


SUBSCRIPTIONS = DueWork("subscriptions", NEXT_DUE, _carry_out)
