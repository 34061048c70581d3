"""Which addresses a request of ours may go to."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kelviq_server.platform.addresses import Network, address_fault, has_public_port, is_in, is_public

# The IANA special-purpose address registries, what is not globally reachable, and what else is not handed out.
RESERVED = [
    "0.0.0.0/8", "0.0.0.0/32", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
    "192.0.0.0/24", "192.0.0.0/29", "192.0.0.8/32", "192.0.0.9/32", "192.0.0.10/32", "192.0.0.170/32",
    "192.0.0.171/32", "192.0.2.0/24", "192.88.99.0/24", "192.88.99.2/32", "192.168.0.0/16", "198.18.0.0/15",
    "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "::/128", "::1/128",
    "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "100:0:0:1::/64", "2001::/23", "2001::/32",
    "2001:1::1/128", "2001:1::2/128", "2001:1::3/128", "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28",
    "2001:20::/28", "2001:30::/28", "2001:db8::/32", "3fff::/20", "4000::/3", "5f00::/16", "fc00::/7", "fe80::/10",
    "fec0::/10", "ff00::/8",
]  # fmt: skip
# Where clouds tell a machine its secrets.
METADATA = [
    "169.254.169.254", "169.254.170.2", "169.254.170.23", "169.254.42.42", "100.100.100.200", "192.0.0.192",
    "168.63.129.16", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42", "fe80::a9fe:a9fe",
]  # fmt: skip
# Other notations of addresses inside.
DISGUISED = [
    "::ffff:127.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::7f00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "::ffff:169.254.169.254", "::ffff:0.0.0.0",
    "2001:0:7f00:1::80ff:fffe", "fe80::1%eth0", "::1%lo", "::ffff:168.63.129.16", "64:ff9b::c0a8:101",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "169.253.255.255", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.31.196.1", "192.52.193.1", "192.175.48.1",
    "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255", "168.63.129.15",
    "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450:4001::1", "2620:4f:8000::1", "2001:200::",
    "64:ff9b::808:808", "::ffff:8.8.8.8", "2002:808:808::1",
]  # fmt: skip


def networks(*written: str) -> list[Network]:
    return [ip_network(each) for each in written]


def ends(written: Iterable[str]) -> list[str]:
    return [str(end) for each in map(ip_network, written) for end in (each[0], each[-1])]


def spellings(address: IPv4Address) -> list[IPv6Address]:
    number = int(address)
    return [
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(int(IPv6Address("64:ff9b::")) | number),
        IPv6Address(0x2002 << 112 | number << 80),
        IPv6Address(0x2002 << 112 | number << 80 | 1),
    ]


@pytest.mark.parametrize("address", [*ends(RESERVED), *METADATA, *DISGUISED])
def test_what_is_inside_is_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_what_is_outside_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@given(st.ip_addresses(v=4))
@example(IPv4Address("127.0.0.1"))
@example(IPv4Address("8.8.8.8"))
def test_a_notation_changes_nothing(address: IPv4Address) -> None:
    for spelling in spellings(address):
        assert is_public(spelling) == is_public(address)
        assert is_in(spelling, [ip_network(address)]) == (spelling.ipv4_mapped is not None)


@given(st.ip_addresses())
def test_nothing_is_public_that_python_keeps_from_the_internet(address: IPv4Address | IPv6Address) -> None:
    assert not is_public(address) or (address.is_global and not address.is_multicast) or spelt(address)


def spelt(address: IPv4Address | IPv6Address) -> bool:
    return isinstance(address, IPv6Address) and (
        address.ipv4_mapped is not None or address.sixtofour is not None or address in ip_network("64:ff9b::/96")
    )


def test_an_open_network_holds_its_addresses_mapped_too() -> None:
    for address in ("10.1.2.3", "::ffff:10.1.2.3"):
        assert is_in(ip_address(address), networks("10.0.0.0/8"))
        assert not is_in(ip_address(address), networks("10.2.0.0/16", "fd00::/8"))
        assert not is_in(ip_address(address), [])
    assert is_in(ip_address("fd00::1"), networks("10.0.0.0/8", "fd00::/8"))
    assert is_in(ip_address("fe80::1%eth0"), networks("fe80::/10"))


def test_an_open_network_does_not_open_the_far_end_of_a_tunnel() -> None:
    for address in ("64:ff9b::a01:203", "2002:a01:203::"):
        assert not is_in(ip_address(address), networks("10.0.0.0/8"))


def test_a_network_of_the_other_notation_may_be_opened() -> None:
    assert is_in(ip_address("64:ff9b::a01:203"), networks("64:ff9b::/96"))
    assert is_in(ip_address("::ffff:10.1.2.3"), networks("::ffff:0:0/96"))
    assert not is_in(ip_address("10.1.2.3"), networks("::/0"))


@pytest.mark.parametrize(
    ("scheme", "port", "expected"),
    [
        ("https", None, True), ("https", 443, True), ("https", 8443, True), ("https", 0, False), ("https", 22, False),
        ("https", 80, False), ("http", None, False), ("http", 443, False), ("ws", 443, False), ("", None, False),
    ],
)  # fmt: skip
def test_the_public_internet_is_called_by_https_on_few_ports(scheme: str, port: int | None, expected: bool) -> None:
    assert has_public_port(scheme, port) == expected


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://example.com/hooks?a=b", None),
        ("https://example.com:8443", None),
        ("HTTPS://EXAMPLE.COM", None),
        ("https://8.8.8.8", None),
        ("https://[2606:4700::1111]:443/", None),
        ("https://[::ffff:8.8.8.8]/", None),
        ("http://example.com", "Only https addresses are called."),
        ("http://8.8.8.8", "Only https addresses are called."),
        ("https://example.com:22", "Only the ports 443 and 8443 are called."),
        ("https://8.8.8.8:0", "Only the ports 443 and 8443 are called."),
        ("https://user@example.com", "An address may not hold a user name or a password."),
        ("https://user:word@example.com", "An address may not hold a user name or a password."),
        ("https://@127.0.0.1", "An address may not hold a user name or a password."),
        ("https://example.com/#part", "An address may not hold a fragment."),
        ("https://localhost", "localhost is not on the public internet."),
        ("https://LOCALHOST.", "localhost is not on the public internet."),
        ("https://a.localhost", "a.localhost is not on the public internet."),
        ("https://127.0.0.1", "127.0.0.1 is not on the public internet."),
        ("https://127.0.0.1.", "127.0.0.1 is not on the public internet."),
        ("http://10.0.0.1:8000", "10.0.0.1 is not on the public internet."),
        ("https://127.1", "127.1 is not on the public internet."),
        ("https://0x7f000001", "0x7f000001 is not on the public internet."),
        ("https://0177.0.0.1", "0177.0.0.1 is not on the public internet."),
        ("https://2130706433", "2130706433 is not on the public internet."),
        ("https://0", "0 is not on the public internet."),
        ("https://[::1]", "::1 is not on the public internet."),
        ("https://[::ffff:127.0.0.1]", "::ffff:127.0.0.1 is not on the public internet."),
        ("https://[fe80::1%25eth0]", "fe80::1%25eth0 is not on the public internet."),
        ("https://[fd00:ec2::254]", "fd00:ec2::254 is not on the public internet."),
    ],
)
def test_an_address_that_is_never_called_says_why(url: str, fault: str | None) -> None:
    assert address_fault(url, []) == fault


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://127.0.0.1:8000", None),
        ("https://127.0.0.1:22", None),
        ("http://127.1:8000", None),
        ("http://[::ffff:127.0.0.1]", None),
        ("http://localhost:8000", None),
        ("http://example.com:8000", None),
        ("https://8.8.8.8", None),
        ("http://8.8.8.8", "Only https addresses are called."),
        ("https://8.8.8.8:22", "Only the ports 443 and 8443 are called."),
        ("https://10.0.0.1", "10.0.0.1 is not on the public internet."),
        ("http://[::1]:8000", "::1 is not on the public internet."),
        ("http://user@127.0.0.1", "An address may not hold a user name or a password."),
        ("http://127.0.0.1/#part", "An address may not hold a fragment."),
    ],
)
def test_an_open_network_opens_itself_and_what_names_stand_for(url: str, fault: str | None) -> None:
    assert address_fault(url, networks("127.0.0.0/8")) == fault
