"""Which addresses a request of ours may go to when somebody else chose them."""

import socket
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# On the public internet, by https.
PORTS = (443, 8443)
# What has been handed out of IPv6; everything else is local, reserved, or an address of the old kind in disguise.
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Handed out, but for households, machines, documents, tunnels and relays. Spelled out, for what Python calls global
# differs from one of its versions to the next: 192.0.0.192, where a cloud keeps its secrets, was global once.
_NOT_PUBLIC = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("10.0.0.0/8"),
    IPv4Network("100.64.0.0/10"),
    IPv4Network("127.0.0.0/8"),
    # Azure's own, in every machine there, though it looks like anybody's.
    IPv4Network("168.63.129.16/32"),
    IPv4Network("169.254.0.0/16"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.0.2.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv4Network("192.168.0.0/16"),
    IPv4Network("198.18.0.0/15"),
    IPv4Network("198.51.100.0/24"),
    IPv4Network("203.0.113.0/24"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet, in whichever notation it hides.

    Source: the IANA special-purpose address registries, and RFC 6052 and 3056 for addresses inside of addresses.
    """
    meant = _meant(address)
    if isinstance(meant, IPv6Address) and meant not in _UNICAST:
        return False
    return not any(meant in network for network in _NOT_PUBLIC)


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Say whether an address stands in one of these networks.

    An IPv4 address that is mapped into IPv6 is the same to the machine; one inside of a tunnel leads to its other end.
    """
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return any(address in network or (mapped or address) in network for network in networks)


def address_fault(url: str, networks: Sequence[Network]) -> str | None:
    """Return why nothing would ever be sent to an address of the web, as far as the text tells, or None.

    A name tells nothing: where it leads is looked up, and checked, when something is sent.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return "An address may not hold a user name or a password."
    if parts.fragment:
        return "An address may not hold a fragment."
    host = (parts.hostname or "").removesuffix(".")
    address = _address(host)
    if networks and (address is None or is_in(address, networks)):
        return None
    is_local = host == "localhost" or host.endswith(".localhost")
    if is_local or (address is not None and not is_public(address)):
        return f"{host} is not on the public internet."
    if parts.scheme != "https":
        return "Only https addresses are called."
    if not has_public_port(parts.scheme, parts.port):
        return f"Only the ports {PORTS[0]} and {PORTS[1]} are called."
    return None


def has_public_port(scheme: str, port: int | None) -> bool:
    """Say whether scheme and port are those of the public internet."""
    return scheme == "https" and (port is None or port in PORTS)


def _address(host: str) -> Address | None:
    """Return the address that a host is, in the notations of old too, such as 127.1 and 0x7f000001."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def _meant(address: Address) -> Address:
    """Return the address of the old kind that stands inside one of the new kind, or the address itself."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address
