"""What stops the work on a catalog, each as lines for whoever runs the command."""

from collections.abc import Sequence
from dataclasses import dataclass


class CatalogFault(Exception):
    """The catalog cannot be read, compared or pushed; the message says why."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong in a catalog file: where, and what. Line 0: nowhere in particular."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        """Return the mistake as a person reads it."""
        place = f"line {self.line}: " if self.line else ""
        return f"{place}{self.path}: {self.message}" if self.path else f"{place}{self.message}"


class CatalogMistakes(CatalogFault):
    """The file does not describe a catalog; `mistakes` are all that were found."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = tuple(mistakes)


class CatalogDrift(CatalogFault):
    """File and server differ in what never changes, so nothing was written; `drifts` are the lines that say where."""

    def __init__(self, drifts: Sequence[str]) -> None:
        super().__init__("\n".join(["nothing was written: this cannot be changed any more", *drifts]))
        self.drifts = tuple(drifts)


class PushStopped(CatalogFault):
    """The server refused a step of a push: `applied` were carried out before it, `left` were not."""

    def __init__(self, reason: str, applied: Sequence[str], left: Sequence[str]) -> None:
        super().__init__(f"{reason}; {len(applied)} done, {len(left)} not; pushing again goes on from here")
        self.applied = tuple(applied)
        self.left = tuple(left)
