"""Usage as it is charged."""

from dataclasses import dataclass, field

from kelviq_server.core.invoice import Item
from kelviq_server.usage.charges.records import UsageCharge


@dataclass(frozen=True, slots=True)
class Used:
    """What was used: what is charged for it, and a note of how much that is of, which goes with the invoice."""

    items: list[Item] = field(default_factory=list[Item])
    charges: list[UsageCharge] = field(default_factory=list[UsageCharge])
