"""One worker process that renews what is due of one tenant, as often as it is told to, and says what that has cost.

`python -m bench.renewing` prints `ready` when it is connected; for each line of its standard input, a tenant's id, it
renews until nothing is due of that tenant any more, and prints its costs.
"""

import asyncio
import json
import sys
import time

from bench.measured_worker import count_statements
from kelviq_server.billing.orders.steps import use_order_followers
from kelviq_server.command import settings_of
from kelviq_server.platform.database import INSTANCE, reading
from kelviq_server.platform.local_database import run
from kelviq_server.subscriptions.cycles.jobs import SUBSCRIPTIONS
from kelviq_server.tenants import steps as tenants
from kelviq_server.worker import order_followers


async def _renew() -> None:
    use_order_followers(order_followers())
    counted = count_statements()
    print("ready", flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        async with reading(INSTANCE) as tx:
            tenant = await tenants.get_tenant(tx, int(line))
        counted.clear()
        began, cpu, renewed = time.perf_counter(), time.process_time(), 0
        while count := await SUBSCRIPTIONS.carry_out(tenant):
            renewed += count
        costs = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu, "renewed": renewed}
        print(json.dumps(costs | counted), flush=True)


if __name__ == "__main__":
    settings = settings_of()
    assert settings.database_url is not None
    run(settings, settings.database_url, _renew)
