"""All SQL about networks. They are the instance's: every tenant's visitors come through the same."""

from collections.abc import Sequence
from typing import Final, LiteralString

from kelviq_server.platform.database import Tx
from kelviq_server.visitors.records import Network

# Which kinds the address %(address)s belongs to, as a JSON array; for statements that ask for more than that.
KINDS: Final[LiteralString] = (
    "(SELECT coalesce(json_agg(DISTINCT kind), '[]') FROM network_ranges WHERE range >>= %(address)s::inet)"
)


async def update_ranges(tx: Tx, kind: Network, ranges: Sequence[str]) -> None:
    """Let these be all ranges of a kind."""
    await tx.execute("DELETE FROM network_ranges WHERE kind = %s", (kind,))
    await tx.execute(
        "INSERT INTO network_ranges (kind, range) SELECT %s, range::cidr FROM unnest(%s::text[]) AS range",
        (kind, list(ranges)),
    )
