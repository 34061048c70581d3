"""Count reports, and keep them."""

import asyncio
from collections.abc import Sequence

import structlog
from psycopg.errors import LockNotAvailable

from kelviq_server.platform.answers import Unavailable
from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.counting.rules import Pair
from kelviq_server.usage.reports import steps
from kelviq_server.usage.reports.records import Outcome, Report

log = structlog.get_logger()
# Of the connections that there are, those who wait for a customer take no more.
AT_ONCE = 4


async def record_reports(tenant: Tenant, reports: Sequence[Report]) -> Sequence[Outcome]:
    """Return what became of each report, in one transaction; what is refused stops none of the others.

    A report with a key that was counted before is not counted again: it is answered as it was then. Where somebody has
    one of the customers in hand for longer, each customer's are counted in a transaction of their own; what still
    cannot be counted then is refused with Unavailable. Where anything is raised, nothing was counted.
    """
    try:
        return await _record(tenant, reports)
    except LockNotAvailable:
        places: dict[str, list[int]] = {}
        for place, report in enumerate(reports):
            places.setdefault(report.customer, []).append(place)
    outcomes: dict[int, Outcome] = {}
    turns = asyncio.Semaphore(AT_ONCE)

    async def record(own: Sequence[int]) -> None:
        async with turns:
            outcomes.update(zip(own, await _record_alone(tenant, [reports[place] for place in own]), strict=True))

    await asyncio.gather(*(record(own) for own in places.values()))
    return [outcomes[place] for place in range(len(reports))]


async def _record_alone(tenant: Tenant, reports: Sequence[Report]) -> Sequence[Outcome]:
    """Count one customer's reports; others' may be counted by now, so that nothing is raised any more."""
    try:
        return await _record(tenant, reports)
    except Exception:
        log.warning("reports not counted", tenant_id=tenant.id, reports=len(reports), exc_info=True)
        return [Unavailable() for _ in reports]


async def _record(tenant: Tenant, reports: Sequence[Report]) -> Sequence[Outcome]:
    ungranted = frozenset[Pair]()
    while True:
        try:
            async with transaction(tenant) as tx:
                return await steps.count_all(tx, reports, ungranted)
        except steps.CountAnew as found:
            # At the most once for each pair and each meter that comes about.
            ungranted |= found.ungranted
