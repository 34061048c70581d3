"""Does what a worker and a merchant do about webhooks, step by step, and lets machine time pass."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

from kelviq_server.customers.actions.update_customer import update_customer
from kelviq_server.platform.database import INSTANCE, Tenant, reading, transaction
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.take_deliveries import take_deliveries
from kelviq_server.webhooks.deliveries.records import Slots, Taken
from kelviq_server.webhooks.endpoints import store as endpoints
from kelviq_server.webhooks.endpoints.actions.create_endpoint import create_endpoint
from kelviq_server.webhooks.endpoints.records import Endpoint, NewEndpoint
from tests.receiver import Receiver

T = TypeVar("T")
MINUTE = timedelta(minutes=1)


async def forget_deliveries() -> None:
    """Let nothing be on its way that an earlier test left."""
    while await fan_out([]):
        pass
    async with transaction(INSTANCE) as tx:
        await tx.execute("DELETE FROM webhook_deliveries")
        await tx.execute("DELETE FROM webhook_lanes")


async def take(at_once: int = 100) -> Taken:
    """Take what is due, for each endpoint so much."""
    return await take_deliveries(Slots(at_once, at_once, tenant=1000, busy={}, limit=1000))


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


async def listen(tenant: Tenant, receiver: Receiver, *event_types: str) -> UUID:
    """Let an endpoint listen there, and return its id."""
    endpoint, _ = await create_endpoint(tenant, NewEndpoint(receiver.url, event_types or ["*"], "", True))
    return endpoint.id


async def rename(tenant: Tenant, customer: str, *names: str) -> None:
    """Give a customer these names, one after the other."""
    for name in names:
        await update_customer(tenant, customer, {"name": name})


async def endpoint_of(tenant: Tenant, id: UUID) -> Endpoint:
    """Return an endpoint as it now is."""
    async with reading(tenant) as tx:
        return await endpoints.get_endpoint(tx, id)


def elsewhere(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Let somebody else do this, whatever transaction we have open."""
    return asyncio.create_task(work, context=Context())


def names(receiver: Receiver, customer: str | None = None) -> list[str]:
    """Return the names in the events that came, of one customer or of all."""
    objects = [event["data"]["object"] for event in receiver.events]
    return [each["name"] for each in objects if customer in (None, each["customer_id"])]


async def count(sql: Any) -> int:
    """Return the number that a statement comes to."""
    async with reading(INSTANCE) as tx:
        return await tx.value(sql)
