"""What is done about payments and refunds that nobody heard of."""

import asyncio
from datetime import timedelta
from uuid import UUID

import structlog

from kelviq_server.billing.settlement.actions.settle_attempt import settle_attempt
from kelviq_server.billing.settlement.actions.take_answering import take_answering
from kelviq_server.billing.settlement.actions.take_unanswered import take_unanswered
from kelviq_server.payments.steps import NEXT_ANSWER
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork

log = structlog.get_logger()

# How long nobody asks again: whoever began it may still be at it.
PAUSE = timedelta(minutes=2)
BATCH = 100
# Each is a question to the gateway, and whoever moves a clock looks at the time between two batches.
LATE_BATCH = 10
AT_ONCE = 10


async def settle_unanswered(pause: timedelta = PAUSE) -> int:
    """Ask after a batch of attempts whose end nobody noted, and return how many they were.

    What goes wrong with one is logged, and the others go on: its turn comes again.
    """
    taken = await take_unanswered(pause, BATCH)
    gate = asyncio.Semaphore(AT_ONCE)

    async def settle(tenant: Tenant, id: UUID) -> None:
        async with gate:
            try:
                await settle_attempt(tenant, id)
            except Exception:
                log.exception("attempt not settled", tenant_id=tenant.id, attempt=str(id))

    await asyncio.gather(*(settle(tenant, id) for tenant, id in taken))
    return len(taken)


async def _settle_late(tenant: Tenant) -> int:
    """Ask after the tenant's attempts whose answer is due by its clock."""
    ids = await take_answering(tenant, LATE_BATCH)
    for id in ids:
        await settle_attempt(tenant, id)
    return len(ids)


LATE_ANSWERS = DueWork("late answers of the payment gateway", NEXT_ANSWER, _settle_late)
