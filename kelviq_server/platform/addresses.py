"""Which addresses a request of ours may go to when somebody else chose them."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# On the public internet, by https.
PORTS = (443, 8443)
# What has been handed out of IPv6; everything else is local, reserved, or an address of the old kind in disguise.
_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
# Handed out, but for documents, tunnels and relays.
_NOT_PUBLIC = (
    IPv4Network("192.88.99.0/24"),
    IPv6Network("2001::/23"),
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)


def is_public(address: Address) -> bool:
    """Say whether an address belongs to the public internet, in whichever notation it hides.

    Source: the IANA special-purpose address registries, and RFC 6052 and 3056 for addresses inside of addresses.
    """
    return all(_is_public(each) for each in _readings(address))


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Say whether an address stands in one of these networks."""
    return any(each in network for each in _readings(address) for network in networks)


def address_fault(url: str, networks: Sequence[Network]) -> str | None:
    """Return why nothing would ever be sent to an address of the web, as far as the text tells, or None.

    A name tells nothing: where it leads is looked up, and checked, when something is sent.
    """
    parts = urlsplit(url)
    if "@" in parts.netloc:
        return "An address may not hold a user name or a password."
    if parts.fragment:
        return "An address may not hold a fragment."
    if not networks and parts.scheme != "https":
        return "Only https addresses are called."
    if not networks and not has_public_port(parts.scheme, parts.port):
        return f"Only the ports {PORTS[0]} and {PORTS[1]} are called."
    host = parts.hostname or ""
    address = _address(host)
    is_local = host == "localhost" or host.endswith(".localhost")
    if not networks and (is_local or (address is not None and not is_public(address))):
        return f"{host} is not on the public internet."
    if address is not None and not is_public(address) and not is_in(address, networks):
        return f"{host} is neither on the public internet nor in a network that is open to webhooks."
    return None


def has_public_port(scheme: str, port: int | None) -> bool:
    """Say whether scheme and port are those of the public internet."""
    return scheme == "https" and (port or PORTS[0]) in PORTS


def _address(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _readings(address: Address) -> Iterator[Address]:
    """Yield an address, and the one of the old kind that stands inside it."""
    if isinstance(address, IPv4Address):
        yield address
        return
    inner = address.ipv4_mapped or address.sixtofour
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    if inner is None or address.sixtofour:
        yield address
    if inner is not None:
        yield inner


def _is_public(address: Address) -> bool:
    if any(address in network for network in _NOT_PUBLIC):
        return False
    if isinstance(address, IPv6Address) and address not in _UNICAST:
        return False
    return address.is_global and not address.is_multicast
