"""What meters there are, remembered by each process: they are asked for with every report."""

from collections.abc import Collection
from uuid import UUID

from kelviq_server.catalog.features import steps as features
from kelviq_server.platform.database import Tx
from kelviq_server.usage.meters.records import Meter, Meters
from kelviq_server.usage.meters.rules import meter_of

MAX_REMEMBERED = 1000
_known: dict[int, Meters] = {}


async def meters_of(tx: Tx, ids: Collection[UUID] = (), identifiers: Collection[str] = ()) -> Meters:
    """Return the features of the environment as remembered; as they now are where one of these is not among them.

    What is remembered counts right and may be incomplete: another process may have made more. A name may have changed.
    """
    known = _known.get(tx.tenant_id)
    if known is not None and known.by_id.keys() >= set(ids) and known.by_identifier.keys() >= set(identifiers):
        return known
    return await meters_now(tx)


async def find_feature(tx: Tx, identifier: str) -> Meter | None:
    """Return a feature of any type by its identifier, an archived one too, or None; called as it now is."""
    return (await meters_now(tx)).by_identifier.get(identifier)


async def meters_now(tx: Tx) -> Meters:
    """Return the features of the environment as they now are."""
    meters = [meter_of(feature) for feature in await features.list_all(tx)]
    known = Meters(
        len(meters),
        {each.identifier: each for each in meters},
        {each.id: each for each in meters},
        [each for each in meters if each.counts_events],
    )
    if len(_known) >= MAX_REMEMBERED:
        _known.clear()
    _known[tx.tenant_id] = known
    return known
