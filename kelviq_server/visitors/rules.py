"""How lists of networks are read: pure."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from kelviq_server.visitors.errors import NoNetwork


def ranges_of(lines: Iterable[str]) -> list[str]:
    """Return the ranges that a list names, one at the beginning of each line, put together where they touch.

    What stands behind a comma, a space or a `#` is not read: lists have countries and names there. Raises NoNetwork.
    """
    fours: list[IPv4Network] = []
    sixes: list[IPv6Network] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].replace(",", " ").replace(";", " ").split()
        if not text:
            continue
        try:
            network = ip_network(text[0], strict=False)
        except ValueError:
            raise NoNetwork(f"Line {number}: {text[0][:50]!r} is no address and no range.") from None
        if isinstance(network, IPv4Network):
            fours.append(network)
        else:
            sixes.append(network)
    if not fours and not sixes:
        # A download that failed: with nothing in place of what is known, nobody would be noticed any more.
        raise NoNetwork("The list names no network.")
    return [str(each) for each in (*collapse_addresses(fours), *collapse_addresses(sixes))]
