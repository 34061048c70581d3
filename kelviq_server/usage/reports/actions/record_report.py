"""Count one report, together with what others report at the same time."""

from typing import Final

from kelviq_server.core.errors import Refusal
from kelviq_server.platform.database import Tenant
from kelviq_server.platform.gathering import Gathering
from kelviq_server.usage.reports.actions.record_reports import record_reports
from kelviq_server.usage.reports.records import Accepted, Outcome, Report

# Of one transaction: more would let the first of them wait too long for the last.
LIMIT: Final = 500
GATHERED: Final = Gathering[Report, Outcome](record_reports, LIMIT)


async def record_report(tenant: Tenant, report: Report) -> Accepted:
    """Return what became of a report, once that is durable; raises what refuses it."""
    outcome = await GATHERED.hand_in(tenant, report)
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
