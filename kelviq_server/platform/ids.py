"""Identifiers: version 7 UUIDs, which sort by time and so keep indexes compact."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(now: datetime) -> UUID:
    """Return a new id that carries this instant, by the tenant's clock."""
    return uuid7(nanoseconds=(now - _EPOCH) // timedelta(microseconds=1) * 1000)
