"""The courier: brings what is due to its endpoints, many at once, each endpoint in lanes of its own."""

import asyncio
from collections import Counter
from collections.abc import Coroutine, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import structlog
from psycopg import OperationalError

from kelviq_server.platform.outbox import Bell
from kelviq_server.webhooks.deliveries.actions.attempt_delivery import attempt_delivery
from kelviq_server.webhooks.deliveries.actions.settle_attempts import settle_attempts
from kelviq_server.webhooks.deliveries.actions.take_deliveries import take_deliveries
from kelviq_server.webhooks.deliveries.records import Attempt, Delivery, Slots

log = structlog.get_logger()

T = TypeVar("T")

# To one endpoint at once; to one that fails, so that those who hang hold few places.
AT_ONCE, AT_ONCE_WHERE_FAILING = 16, 1
# For all endpoints of one tenant, so that no tenant takes all hands.
AT_ONCE_FOR_TENANT = 200
AT_ONCE_IN_ALL = 500
SETTLED_AT_ONCE = 200
# How long those that are on their way may take when the process ends; others are tried again when their lease is over.
GRACE_SECONDS = 3

# Rung by whoever queued something in this process.
queued = Bell()


class Courier:
    """Takes deliveries, attempts them and settles what came of it; two loops that the worker keeps going."""

    def __init__(self) -> None:
        self._busy: Counter[UUID] = Counter()
        self._on_their_way: set[asyncio.Task[None]] = set()
        self._attempts: list[Attempt] = []
        self._attempted = Bell()
        self._steps: set[asyncio.Task[Any]] = set()

    async def take(self) -> None:
        """Set off with what is due, as far as there are hands; wait when there is nothing."""
        if not await self._whole(self._set_off()):
            await queued.wait()

    async def settle(self) -> None:
        """Write down what came back; what comes back meanwhile goes together, next time."""
        if not self._attempts:
            await self._attempted.wait()
        if self._attempts:
            await self._whole(self._write_down())

    async def close(self) -> None:
        """Wait a moment for those on their way, and write down what came of them."""
        if self._steps:
            # Whoever began them was cancelled, and hears of no fault any more.
            for fault in await asyncio.gather(*self._steps, return_exceptions=True):
                if isinstance(fault, BaseException):
                    log.error("worker fault", exc_info=fault)
        if self._on_their_way:
            await asyncio.wait(self._on_their_way, timeout=GRACE_SECONDS)
        for task in self._on_their_way:
            task.cancel()
        while self._attempts:
            await self._write_down()

    async def _whole(self, step: Coroutine[Any, Any, T]) -> T:
        """Do a step to its end, even where whoever waits for it is cancelled; `close` waits for it, too.

        Cut off, it would leave lanes taken that nobody serves, or bring an event once more that had arrived.
        """
        task = asyncio.create_task(step)
        self._steps.add(task)
        task.add_done_callback(self._steps.discard)
        return await asyncio.shield(task)

    async def _set_off(self) -> int:
        """Return how many lanes were taken, those in which nothing was left too."""
        slots = Slots(
            healthy=AT_ONCE,
            failing=AT_ONCE_WHERE_FAILING,
            tenant=AT_ONCE_FOR_TENANT,
            busy=self._busy,
            limit=AT_ONCE_IN_ALL - self._busy.total(),
        )
        taken = await take_deliveries(slots)
        for delivery in taken.deliveries:
            self._busy[delivery.endpoint_id] += 1
            task = asyncio.create_task(self._attempt(delivery, taken.at))
            self._on_their_way.add(task)
            task.add_done_callback(self._on_their_way.discard)
        return taken.lanes

    async def _write_down(self) -> None:
        batch = self._attempts[:SETTLED_AT_ONCE]
        del self._attempts[:SETTLED_AT_ONCE]
        try:
            await settle_attempts(batch)
        except OperationalError:
            # The database is away, or somebody was in the way: what came back is not lost for that.
            self._attempts[:0] = batch
            raise
        except Exception:
            await self._write_down_singly(batch)
        for attempt in batch:
            self._free(attempt.delivery)
        queued.ring()

    async def _write_down_singly(self, batch: Sequence[Attempt]) -> None:
        """Settle what can be settled of a batch in which something cannot be written down."""
        for attempt in batch:
            try:
                await settle_attempts([attempt])
            except Exception:
                log.exception("webhook attempt not settled", event_id=str(attempt.delivery.event_id))

    async def _attempt(self, delivery: Delivery, at: datetime) -> None:
        try:
            attempt = await attempt_delivery(delivery, at)
        except Exception:
            # A fault of ours: nothing is known, and it is tried again when its lease is over.
            log.exception("webhook attempt failed", event_id=str(delivery.event_id))
            self._free(delivery)
            return
        self._attempts.append(attempt)
        self._attempted.ring()

    def _free(self, delivery: Delivery) -> None:
        self._busy[delivery.endpoint_id] -= 1
        if not self._busy[delivery.endpoint_id]:
            del self._busy[delivery.endpoint_id]
