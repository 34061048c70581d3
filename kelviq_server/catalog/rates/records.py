"""Exchange rates: what a US dollar comes to in other currencies, for showing prices, never for charging them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RatesOfDay:
    """What a US dollar comes to on a day, by currency."""

    dated_on: date
    rates: Mapping[str, Decimal]
