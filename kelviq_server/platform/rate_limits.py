"""How often a key may call, counted for all processes together.

The generic cell rate algorithm: one instant per key says when its allowance is whole again; a
request moves it by the interval of one and is refused if that leads further ahead than the burst.
"""

import math
from datetime import UTC, datetime, timedelta

from kelviq_server.platform.database import current_pool


async def forget_whole_allowances(now: datetime) -> None:
    """Delete what says no more than nothing would; addresses without a key would pile up otherwise."""
    async with current_pool().connection() as connection:
        await connection.execute("DELETE FROM rate_limits WHERE whole_at < %s", (now,))


class RateLimit:
    """So many requests a second for each key, with a burst on top."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._interval = timedelta(seconds=1 / per_second)
        self._tolerance = self._interval * burst

    async def take(self, key: str) -> int:
        """Count one request; return 0 if it may go on, else the whole seconds to wait."""
        # Machine time, not the tenant's: a frozen sandbox clock must not stop the allowance.
        now = datetime.now(UTC)
        async with current_pool().connection() as connection:
            cursor = await connection.execute(
                "INSERT INTO rate_limits AS l (key, whole_at) VALUES (%(key)s, %(now)s + %(interval)s)"
                " ON CONFLICT (key) DO UPDATE SET whole_at = greatest(l.whole_at, %(now)s) + %(interval)s"
                " WHERE greatest(l.whole_at, %(now)s) + %(interval)s <= %(now)s + %(tolerance)s"
                " RETURNING whole_at",
                {"key": key, "now": now, "interval": self._interval, "tolerance": self._tolerance},
            )
            if await cursor.fetchone():
                return 0
            cursor = await connection.execute("SELECT whole_at FROM rate_limits WHERE key = %s", (key,))
            row = await cursor.fetchone()
        wait = (row[0] if row else now) + self._interval - self._tolerance - now
        return max(1, math.ceil(wait.total_seconds()))
