"""From where somebody comes is looked up; lists of networks are read as people publish them."""

from pathlib import Path

import pytest

from kelviq_server.visitors.errors import NoNetwork
from kelviq_server.visitors.rules import ranges_of
from kelviq_server.visitors.steps import PACKAGED, use_countries, visitor_at

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("49.36.0.1", "IN"), ("8.8.8.8", "US"), ("91.0.0.1", "DE"), ("2a02:8108::1", "DE"),
        ("::ffff:49.36.0.1", "IN"), ("127.0.0.1", None), ("10.0.0.1", None), ("fe80::1%eth0", None),
    ],
)  # fmt: skip
def test_an_address_belongs_to_a_country_or_to_none(address: str, country: str | None) -> None:
    assert visitor_at(address).country == country


@pytest.mark.parametrize("address", ["", None, "nonsense", "300.1.1.1", "' OR 1=1", "1.2.3.4, 5.6.7.8"])
def test_what_is_no_address_is_nowhere(address: str | None) -> None:
    visitor = visitor_at(address)
    assert (visitor.address, visitor.country) == (None, None)


def test_an_address_is_spelled_as_the_database_reads_it() -> None:
    assert visitor_at("fe80::1%eth0").address == "fe80::1"
    assert visitor_at("::ffff:49.36.0.1").address == "49.36.0.1"


@pytest.mark.parametrize(("agent", "is_crawler"), [(FIREFOX, False), ("Googlebot/2.1", True), ("curl/8.5.0", True)])
def test_a_crawler_says_so(agent: str, is_crawler: bool) -> None:
    assert visitor_at("8.8.8.8", agent).is_crawler is is_crawler


def test_lists_are_read_with_what_stands_beside_the_ranges() -> None:
    lines = [
        "# exit nodes", "", "192.0.2.1", "192.0.2.0", "198.51.100.0/24,US,US-CA,LA,", "203.0.113.7/25 # host",
        "2001:db8::/33", "2001:db8:8000::/33",
    ]  # fmt: skip
    assert ranges_of(lines) == ["192.0.2.0/31", "198.51.100.0/24", "203.0.113.0/25", "2001:db8::/32"]


def test_what_is_no_range_is_named_with_its_line() -> None:
    with pytest.raises(NoNetwork, match="Line 2: 'Tor' is no address"):
        ranges_of(["192.0.2.1", "Tor exit"])


def text(value: str) -> bytes:
    """Return a text as MaxMind's format has it: its kind and its length in a byte, then itself."""
    return bytes([2 << 5 | len(value)]) + value.encode()


def entries(**values: bytes) -> bytes:
    """Return an object of that format."""
    return bytes([7 << 5 | len(values)]) + b"".join(text(name) + value for name, value in values.items())


def short(value: int) -> bytes:
    """Return a number of two bytes at the most."""
    return bytes([5 << 5 | 1, value])


def test_a_database_of_the_old_addresses_alone_knows_nothing_of_others(tmp_path: Path) -> None:
    # Of one node: what begins with a 0 is in Germany, the rest is nowhere.
    tree = (1 + 16).to_bytes(3, "big") + (1).to_bytes(3, "big")
    described = entries(
        node_count=bytes([6 << 5 | 1, 1]), record_size=short(24), ip_version=short(4), database_type=text("Countries"),
        binary_format_major_version=short(2), binary_format_minor_version=short(0), build_epoch=bytes([1, 2, 1]),
        description=entries(), languages=bytes([0, 4]),
    )  # fmt: skip
    file = tmp_path / "old.mmdb"
    file.write_bytes(tree + bytes(16) + entries(country_code=text("DE")) + b"\xab\xcd\xefMaxMind.com" + described)
    try:
        use_countries(file)
        found = [visitor_at(address).country for address in ("91.0.0.1", "200.0.0.1", "2a02:8108::1")]
        assert found == ["DE", None, None]
    finally:
        use_countries(PACKAGED)
