"""Verification: whether what was counted is what was reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Miscounted:
    """A report of which something else was counted than it comes to."""

    id: UUID
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Recounted:
    """How many reports were counted anew, the last of them, and those of which something else was counted."""

    reports: int
    last: UUID | None
    miscounted: Sequence[Miscounted]
