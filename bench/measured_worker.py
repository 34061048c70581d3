"""One worker process, as `kelviq-server worker` runs it, that says at its end what its work has cost.

`python -m bench.measured_worker` prints `ready` when it is connected, begins with the next line of its standard input,
works until that ends, and prints its costs. With `relay` it only relays and queues, as long as there is something.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from typing import Any

from psycopg import AsyncCursor, AsyncTransaction

from kelviq_server.command import settings_of
from kelviq_server.platform.local_database import run
from kelviq_server.platform.settings import Settings
from kelviq_server.webhooks.deliveries.actions.fan_out import fan_out
from kelviq_server.worker import run_worker


def count_statements() -> Counter[str]:
    """Count from now on the statements of every connection, and apart from them the transactions."""
    counted: Counter[str] = Counter()
    execute, begin = AsyncCursor[Any].execute, AsyncTransaction.__aenter__

    async def counted_execute(self: Any, *arguments: Any, **options: Any) -> Any:
        counted["statements"] += 1
        return await execute(self, *arguments, **options)

    async def counted_begin(self: Any) -> Any:
        counted["transactions"] += 1
        return await begin(self)

    AsyncCursor.execute = counted_execute
    AsyncTransaction.__aenter__ = counted_begin
    return counted


async def _measured(settings: Settings, *, only_relay: bool) -> None:
    counted = count_statements()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    began, cpu = time.perf_counter(), time.process_time()
    if only_relay:
        while await fan_out(()):
            pass
    else:
        await run_worker(settings, sys.stdin.fileno())
    costs = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu, **counted}
    print(json.dumps(costs), flush=True)


if __name__ == "__main__":
    settings = settings_of()
    assert settings.database_url is not None
    run(settings, settings.database_url, lambda: _measured(settings, only_relay="relay" in sys.argv))
