"""What the page of events shows of one event."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar, Self

from kelviq_server.core.events import Event
from tests.architecture.events_page import section


@dataclass(frozen=True)
class PriceSet(Event):
    """A price was set.

    - `price` is exact.
    """

    type: ClassVar[str] = "price.set"
    price: Decimal

    @classmethod
    def example(cls) -> Self:
        return cls(Decimal("12345678901234567890.10"))

    def data(self) -> dict[str, Any]:
        return {"object": {"café": self.price, "metadata": {}}}


def test_a_section_has_the_docstring_and_the_example_digit_for_digit() -> None:
    assert section(PriceSet) == (
        "## `price.set`\n\n`PriceSet`, of tests.architecture.test_events_page.\n\n"
        "A price was set.\n\n- `price` is exact.\n\n"
        '```json\n{\n  "object": {\n    "café": 12345678901234567890.10,\n    "metadata": {}\n  }\n}\n```\n'
    )
