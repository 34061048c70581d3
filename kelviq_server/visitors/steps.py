"""What others borrow: from where somebody comes."""

from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any, cast

import maxminddb
from is_crawler import is_crawler
from starlette.requests import Request

from kelviq_server.visitors.records import Visitor
from kelviq_server.visitors.store import KINDS

__all__ = ["KINDS", "PACKAGED", "use_countries", "visitor_at", "visitor_of"]

PACKAGED = Path(__file__).parent / "data" / "countries.mmdb"
_reader: maxminddb.Reader | None = None


def use_countries(file: Path) -> None:
    """Look countries up in this database from now on, of MaxMind's format; raises OSError or ValueError."""
    global _reader
    try:
        # Mapped into memory: all processes share it, and only what is looked at is read.
        _reader = maxminddb.open_database(str(file))  # pyright: ignore[reportUnknownMemberType]
    except maxminddb.InvalidDatabaseError as fault:
        raise ValueError(f"{file} is no database of countries: {fault}") from None


def visitor_at(address: str | None, user_agent: str | None = None) -> Visitor:
    """Return what is known of somebody at an address.

    `user_agent`: what their program says of itself, which may be nothing; None where nobody heard it.
    """
    is_bot = user_agent is not None and is_crawler(user_agent)
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return Visitor(None, None, is_bot)
    if isinstance(parsed, IPv6Address):
        # An address of a link names that behind a `%`, which is no part of it.
        parsed = parsed.ipv4_mapped or IPv6Address(int(parsed))
    return Visitor(str(parsed), _country(str(parsed)), is_bot)


def visitor_of(request: Request, address: str) -> Visitor:
    """Return what is known of whoever sent a request from an address."""
    return visitor_at(address, request.headers.get("user-agent", ""))


def _country(address: str) -> str | None:
    if _reader is None:
        use_countries(PACKAGED)
    assert _reader is not None
    try:
        found = cast("Any", _reader.get(address))  # pyright: ignore[reportUnknownMemberType]
    except ValueError:
        # A database of IPv4 alone knows nothing of others.
        return None
    if not isinstance(found, dict):
        return None
    entry = cast("dict[str, Any]", found)
    # As the packaged database has it, and as those of MaxMind and DB-IP do.
    code = entry.get("country_code") or cast("dict[str, Any]", entry.get("country") or {}).get("iso_code")
    return code if isinstance(code, str) and len(code) == 2 else None
