"""Count reports, and keep them."""

from collections.abc import Sequence

from psycopg.errors import LockNotAvailable

from kelviq_server.platform.database import Tenant, transaction
from kelviq_server.usage.counting.rules import Pair
from kelviq_server.usage.reports import steps
from kelviq_server.usage.reports.records import Outcome, Report


async def record_reports(tenant: Tenant, reports: Sequence[Report]) -> Sequence[Outcome]:
    """Return what became of each report, in one transaction; what is refused stops none of the others.

    A report with a key that was counted before is not counted again: it is answered as it was then. Where somebody has
    one of the customers in hand for longer, each customer's are counted in a transaction of their own: whoever waits
    for one holds up nobody else.
    """
    try:
        return await _record(tenant, reports)
    except LockNotAvailable:
        if len({report.customer for report in reports}) == 1:
            raise
    outcomes: dict[int, Outcome] = {}
    for customer in dict.fromkeys(report.customer for report in reports):
        places = [place for place, report in enumerate(reports) if report.customer == customer]
        outcomes |= zip(places, await _record(tenant, [reports[place] for place in places]), strict=True)
    return [outcomes[place] for place in range(len(reports))]


async def _record(tenant: Tenant, reports: Sequence[Report]) -> Sequence[Outcome]:
    ungranted = frozenset[Pair]()
    while True:
        try:
            async with transaction(tenant) as tx:
                return await steps.count_all(tx, reports, ungranted)
        except steps.CountAnew as found:
            # At the most once for each pair and each meter that comes about.
            ungranted |= found.ungranted
