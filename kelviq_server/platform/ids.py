"""Identifiers, which sort by time and so keep indexes compact, and random texts, which nobody guesses."""

import secrets
import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

from uuid_utils.compat import uuid7

_ALPHABET = string.ascii_letters + string.digits
_RANDOM_CHARACTERS = 40
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_id(now: datetime) -> UUID:
    """Return a new id that carries this instant, by the tenant's clock."""
    return uuid7(nanoseconds=(now - _EPOCH) // timedelta(microseconds=1) * 1000)


def random_text(characters: int = _RANDOM_CHARACTERS, alphabet: str = _ALPHABET) -> str:
    """Return so many characters of an alphabet; by default 40 of 62, some 238 bits."""
    return "".join(secrets.choice(alphabet) for _ in range(characters))


def lowest_id(at: datetime) -> UUID:
    """Return the lowest id that can carry this instant, to the millisecond: all ids made from then on are higher."""
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62)
