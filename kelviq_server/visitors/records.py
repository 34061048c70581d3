"""Whoever visits: from where, and what they come through."""

from dataclasses import dataclass
from enum import StrEnum


class Network(StrEnum):
    """What visitors may come through who are somewhere else than their address says."""

    VPN = "vpn"
    TOR = "tor"
    PROXY = "proxy"
    # Apple's Private Relay, and the like.
    RELAY = "relay"
    # Machines in data centres, behind which nobody sits.
    DATA_CENTRE = "data_centre"


@dataclass(frozen=True, slots=True)
class Visitor:
    """What is known of somebody by their address and what their program says of itself."""

    # As the database reads it; None where it is none.
    address: str | None
    # ISO 3166-1 alpha-2; None where nobody knows.
    country: str | None
    is_crawler: bool


@dataclass(frozen=True, slots=True)
class Imported:
    """How many ranges of a kind are known since an import."""

    kind: Network
    ranges: int
