"""Does what a worker does for webhooks, step by step, and lets machine time pass."""

import asyncio
from datetime import timedelta

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.take_deliveries import take_deliveries
from kelviq_server.webhooks.deliveries.records import Slots, Taken


async def forget_deliveries() -> None:
    """Let nothing be on its way that an earlier test left."""
    while await fan_out([]):
        pass
    async with transaction(INSTANCE) as tx:
        await tx.execute("DELETE FROM webhook_deliveries")
        await tx.execute("DELETE FROM webhook_lanes")


async def take(at_once: int = 100) -> Taken:
    """Take what is due, for each endpoint so much."""
    return await take_deliveries(Slots(at_once, at_once, {}, 1000))


async def deliver() -> int:
    """Relay what was announced, attempt all that is due, and return how many attempts that took."""
    count = 0
    while await fan_out([]):
        pass
    while (taken := await take()).deliveries:
        attempts = await asyncio.gather(*(attempt_delivery(each, taken.at) for each in taken.deliveries))
        await settle_attempts(attempts)
        count += len(attempts)
    return count


async def wait(time: timedelta) -> None:
    """Let so much machine time pass for whatever waits."""
    async with transaction(INSTANCE) as tx:
        await tx.execute("UPDATE webhook_lanes SET due_at = due_at - %s", (time,))
        await tx.execute("UPDATE webhook_deliveries SET queued_at = queued_at - %s", (time,))
        await tx.execute("UPDATE webhook_endpoints SET failing_since = failing_since - %s", (time,))
