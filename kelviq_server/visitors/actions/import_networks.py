"""Take in a list of networks."""

from collections.abc import Iterable

from kelviq_server.platform.database import INSTANCE, transaction
from kelviq_server.visitors import rules, store
from kelviq_server.visitors.records import Imported, Network


async def import_networks(kind: Network, lines: Iterable[str]) -> Imported:
    """Let what a list names be all that is known of a kind, in place of what was; raises NoNetwork."""
    ranges = rules.ranges_of(lines)
    async with transaction(INSTANCE) as tx:
        await store.update_ranges(tx, kind, ranges)
    return Imported(kind, len(ranges))
