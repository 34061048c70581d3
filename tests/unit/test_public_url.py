"""The address that links are built from."""

from ipaddress import ip_network

import pytest
from starlette.requests import Request

from kelviq_server.platform.public_url import PublicUrl


def request(headers: dict[str, str], client: str = "10.0.0.7") -> Request:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": "GET", "scheme": "http", "path": "/", "query_string": b"", "headers": raw}
    return Request({**scope, "client": (client, 1), "server": ("127.0.0.1", 8000)})


PROXY = PublicUrl(None, [ip_network("10.0.0.0/8")])
FORWARDED = {"host": "inner:8000", "x-forwarded-proto": "https", "x-forwarded-host": "billing.example.com"}


def test_the_configured_address_wins() -> None:
    assert PublicUrl("https://b.example/", ()).of(request(FORWARDED)) == "https://b.example"


def test_a_trusted_proxy_is_believed() -> None:
    assert PROXY.of(request(FORWARDED)) == "https://billing.example.com"


def test_anybody_else_is_not() -> None:
    assert PROXY.of(request(FORWARDED, client="203.0.113.9")) == "http://inner:8000"
    assert PublicUrl(None, ()).of(request(FORWARDED)) == "http://inner:8000"


@pytest.mark.parametrize("host", ['evil"><script>', "a b", "", "x/y", "user@host"])
def test_a_host_that_is_none_goes_nowhere(host: str) -> None:
    assert PROXY.of(request({"host": host})) == "http://localhost"


def test_an_ipv6_host_is_one() -> None:
    assert PROXY.of(request({"host": "[::1]:8000"})) == "http://[::1]:8000"
