"""The address under which callers reach this server, for absolute links."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address

from starlette.requests import Request

Network = IPv4Network | IPv6Network
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


class PublicUrl:
    """The configured address, else the one that the request itself names."""

    def __init__(self, configured: str | None, trusted_proxies: Sequence[Network]) -> None:
        self._configured = configured.rstrip("/") if configured else None
        self._trusted_proxies = trusted_proxies

    def of(self, request: Request) -> str:
        """Return scheme and host, such as https://billing.example.com, without a closing slash.

        What a proxy forwards counts only where the proxy is a configured one:
        anybody can send such a header.
        """
        if self._configured:
            return self._configured
        scheme, host = request.url.scheme, request.headers.get("host", "")
        if self._is_trusted(request.client.host if request.client else None):
            scheme = _first(request.headers.get("x-forwarded-proto")) or scheme
            host = _first(request.headers.get("x-forwarded-host")) or host
        if scheme not in ("http", "https"):
            scheme = "http"
        return f"{scheme}://{host if _HOST.fullmatch(host) else 'localhost'}"

    def client_of(self, request: Request) -> str:
        """Return the address that the request comes from: what configured proxies say, else who connected."""
        address = request.client.host if request.client else ""
        # The last one was added by the proxy that connected; what stands before it is that one's word.
        forwarded = request.headers.get("x-forwarded-for", "").split(",")
        while forwarded and self._is_trusted(address):
            address = forwarded.pop().strip() or address
        return address

    def _is_trusted(self, client: str | None) -> bool:
        if client is None or not self._trusted_proxies:
            return False
        try:
            address = ip_address(client)
        except ValueError:
            return False
        return any(address in network for network in self._trusted_proxies)


def network_of(address: str) -> str:
    """Return the address, or the network of it that one household has: of IPv6, the first half."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    return str(IPv6Network((parsed, 64), strict=False)) if parsed.version == 6 else str(parsed)


def _first(header: str | None) -> str:
    return (header or "").split(",")[0].strip()
