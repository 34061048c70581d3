"""What a search asks a trigram index for, before every text that is found is held against the whole terms."""

from collections import defaultdict
from collections.abc import Sequence
from functools import partial

from kelviq_server.core.search import common_trigrams, narrowing_pattern
from kelviq_server.platform.database import Tx
from kelviq_server.platform.remembered import Remembered


async def narrowing_patterns(tx: Tx, table: str, terms: Sequence[str]) -> list[str]:
    """Return LIKE patterns for `folded` of a table that each match all that is sought, and few others.

    None for a term without anything rare. The planner's own sample of the texts tells what nearly all of them have.
    """
    common = await _COMMON[table].get(partial(_find_common, tx, table))
    return [pattern for term in terms if (pattern := narrowing_pattern(term, common)) is not None]


async def narrowest_pattern(tx: Tx, table: str, terms: Sequence[str]) -> str | None:
    """Return the pattern that leaves the fewest, as a listing's `narrowing` has it, or None where nothing narrows."""
    return max(await narrowing_patterns(tx, table, terms), key=len, default=None) if terms else None


_COMMON: defaultdict[str, Remembered[frozenset[str]]] = defaultdict(lambda: Remembered(seconds=300, empty_seconds=10))


async def _find_common(tx: Tx, table: str) -> frozenset[str]:
    samples = await tx.value(
        "SELECT histogram_bounds::text::text[] FROM pg_stats WHERE tablename = %s"
        " AND schemaname = current_schema() AND attname = 'folded'",
        (table,),
    )
    return common_trigrams(samples or [])
