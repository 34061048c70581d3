"""Verification: whether the books say what their records come to."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not what its records come to."""

    what: str
    # Which one.
    id: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What was looked at, and every difference that was found, up to a limit for each kind."""

    invoices: int
    # Of usage.
    reports: int
    differences: Sequence[Difference]
