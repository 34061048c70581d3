"""What falls due of reservations: that their time is over."""

from kelviq_server.platform.database import Tenant
from kelviq_server.platform.due import DueWork
from kelviq_server.usage.reservations.actions.expire_reservations import expire_reservations
from kelviq_server.usage.reservations.store import NEXT_DUE

# A second's work, or so; whoever moves a clock looks at the time between two batches.
BATCH = 200


async def _carry_out(tenant: Tenant) -> int:
    """Give back what is held for longer than it was asked for, by the tenant's clock."""
    return await expire_reservations(tenant, BATCH)


RESERVATIONS = DueWork("reservations", NEXT_DUE, _carry_out)
