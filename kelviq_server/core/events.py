"""The base of every event: something that happened, in the past tense."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar


class Event(ABC):
    """A fact to announce in the transaction that made it so."""

    # The name on the wire, such as "customer.created".
    type: ClassVar[str]

    @abstractmethod
    def data(self) -> dict[str, Any]:
        """Return what handlers and webhooks read, with snake_case keys, as values that JSON has."""
