"""What a plan grants: its own entitlements over those of the plan it is based on."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar
from uuid import UUID

D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class Entitlement(Generic[D]):
    """That a plan grants a feature, and on which terms."""

    feature_id: UUID
    details: D
    # It is there because the base plan has it.
    is_inherited: bool = False
    # The base plan has it too, on terms of its own.
    is_value_overridden: bool = False


def effective(own: Iterable[Entitlement[D]], base: Iterable[Entitlement[D]]) -> list[Entitlement[D]]:
    """Return what a plan grants: all that its base plan does, in that order, then what only the plan does.

    Where both grant a feature, the plan's own terms hold, whole.
    """
    mine = {entitlement.feature_id: entitlement for entitlement in own}
    found: list[Entitlement[D]] = []
    for theirs in base:
        ours = mine.pop(theirs.feature_id, None)
        found.append(replace(ours or theirs, is_inherited=True, is_value_overridden=ours is not None))
    return found + [replace(alone, is_inherited=False, is_value_overridden=False) for alone in mine.values()]


def own_of(entitlements: Iterable[Entitlement[D]]) -> list[Entitlement[D]]:
    """Return what a plan grants by itself: what has to be written down to have the rest follow its base plan."""
    return [
        replace(entitlement, is_inherited=False, is_value_overridden=False)
        for entitlement in entitlements
        if entitlement.is_value_overridden or not entitlement.is_inherited
    ]
