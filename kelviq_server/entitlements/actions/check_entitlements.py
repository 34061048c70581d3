"""Find out what a customer may do."""

from collections.abc import Sequence
from typing import Final

from kelviq_server.entitlements import rules, store
from kelviq_server.entitlements.records import Access, Standing
from kelviq_server.platform.database import Tenant, reading
from kelviq_server.platform.gathering import Gathering
from kelviq_server.usage.meters.records import Meters
from kelviq_server.usage.meters.steps import meters_of

# Of one statement: more would let the first of them wait too long for the last.
LIMIT: Final = 100


async def check_entitlements(tenant: Tenant, customer: str, feature: str | None) -> list[Access]:
    """Return what a customer may do now, with one feature or with all; nothing where nobody is called so.

    Whoever asks while others are being answered is answered with the next ones: one statement for all of them, as long
    as this process knows the meters. It is sent after they asked, so it has all that was answered before.
    """
    standing, known = await _GATHERED.hand_in(tenant, customer)
    if standing is None:
        return []
    found = rules.accesses(standing, known.by_id)
    return [access for access in found if feature is None or access.feature == feature]


async def _look(tenant: Tenant, customers: Sequence[str]) -> list[tuple[Standing | None, Meters]]:
    async with reading(tenant) as tx:
        standings = await store.list_standings(tx, list(dict.fromkeys(customers)))
        wanted = {each.feature_id for standing in standings.values() for each in standing.allowances}
        known = await meters_of(tx, wanted)
    # Who is asked about twice is told alike: it is the same instant for both.
    return [(standings.get(customer), known) for customer in customers]


_GATHERED: Final = Gathering[str, tuple[Standing | None, Meters]](_look, LIMIT)
