"""The base of every event: something that happened, in the past tense."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from inspect import isabstract
from typing import Any, ClassVar, Self
from uuid import UUID


class Event(ABC):
    """A fact to announce in the transaction that made it so.

    A subclass's docstring and example are its section of docs/events.md.
    """

    # The name on the wire, such as "customer.created".
    type: ClassVar[str]

    @classmethod
    @abstractmethod
    def example(cls) -> Self:
        """Return an event as it could happen, for documents and for trying things out."""

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Return what handlers and webhooks read, with snake_case keys, as values that JSON has."""

    @property
    def customer_id(self) -> UUID | None:
        """Whose event it is, in our own id: a customer's events are told in order."""
        return None


def webhook_instant(at: datetime | None) -> str | None:
    """Return an instant as webhooks have it: in UTC, in whole seconds."""
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")


def event_types() -> dict[str, type[Event]]:
    """Return the product's events by type, as far as their modules are loaded.

    Raises ValueError where two classes have the same type.
    """
    found: dict[str, type[Event]] = {}
    for kind in _below(Event):
        if isabstract(kind) or not kind.__module__.startswith("kelviq_server."):
            continue
        # A dataclass with slots is made twice under one name; the later one is the class.
        other = found.get(kind.type, kind)
        if _name(other) != _name(kind):
            raise ValueError(f"{kind.type} is the type of {_name(other)} and of {_name(kind)}")
        found[kind.type] = kind
    return found


def _below(base: type[Event]) -> Iterator[type[Event]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _below(kind)


def _name(kind: type[Event]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
