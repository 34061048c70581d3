"""The server that a catalog is read from and written to, ours or another that speaks the Kelviq API."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, cast

import httpx

from kelviq_server.platform.json_body import MalformedJson, dump, parse
from kelviq_server.pricing_as_code.errors import CatalogFault

API = "/api/v1"
PAGE_SIZE = 100
# No catalog is larger; a server whose lists never end is not asked for ever.
MAX_PAGES = 1000
TIMEOUT_SECONDS = 60
MAX_TRIES = 5
MAX_WAIT_SECONDS = 60
_SHOWN = 300


def connect(url: str, key: str, transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return a client of the API at this address, which may leave out `/api/v1`. Whoever asks closes it.

    Raises CatalogFault for what is no address, or for a key that no header can hold.
    """
    host_of(url)
    address = url.rstrip("/")
    if not key.isascii() or not key.isprintable():
        raise CatalogFault("the key is not a key: it has characters that no key has")
    if not address.endswith(API):
        address += API
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    return httpx.AsyncClient(base_url=address, headers=headers, timeout=TIMEOUT_SECONDS, transport=transport)


def host_of(url: str) -> str:
    """Return the host of an address; raises CatalogFault for what is none."""
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL:
        parts = httpx.URL()
    if parts.scheme not in ("http", "https") or not parts.host or parts.query or parts.fragment:
        raise CatalogFault(f"{url} is not an address; it must look like https://billing.example.com")
    return parts.host


class Server:
    """Calls the API, exact in numbers; whatever goes wrong is a CatalogFault of one line."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Return what stands at a path."""
        return await self._answer("GET", path, query=query)

    async def find(self, path: str) -> dict[str, Any] | None:
        """Return what stands at a path, None where nothing does."""
        response = await self._send("GET", path)
        return None if response.status_code == 404 else self._read("GET", path, response)

    async def listed(self, path: str, **query: Any) -> AsyncIterator[dict[str, Any]]:
        """Yield the entries of a list, page by page."""
        for number in range(1, MAX_PAGES + 1):
            page = await self.get(path, **query, page=number, page_size=PAGE_SIZE)
            results = page.get("results")
            if not isinstance(results, list):
                raise CatalogFault(f"GET {path}: the answer is not a list")
            for entry in cast("list[dict[str, Any]]", results):
                yield entry
            if not page.get("next") or not results:
                return

    async def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a body, and return the answer."""
        return await self._answer(method, path, body=body)

    async def _answer(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        return self._read(method, path, await self._send(method, path, query, body))

    async def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        content = None if body is None else dump(body)
        for _ in range(MAX_TRIES):
            try:
                response = await self._client.request(method, path, params=query, content=content)
            except httpx.HTTPError as error:
                reason = str(error) or type(error).__name__
                raise CatalogFault(f"{self._client.base_url} does not answer: {reason}") from None
            if response.status_code != 429:
                return response
            await asyncio.sleep(_pause_seconds(response))
        raise CatalogFault(f"{method} {path}: the server is asked too often")

    def _read(self, method: str, path: str, response: httpx.Response) -> dict[str, Any]:
        status = response.status_code
        if status in (401, 403):
            raise CatalogFault(f"{self._client.base_url} refuses the key: {_reason(response)}")
        if status >= 300:
            raise CatalogFault(f"{method} {path}: {status}: {_reason(response)}")
        try:
            answer: Any = parse(response.content) if response.content else {}
        except MalformedJson:
            answer = None
        if not isinstance(answer, dict):
            raise CatalogFault(f"{method} {path}: the answer is not that of a Kelviq API")
        return cast("dict[str, Any]", answer)


def _pause_seconds(response: httpx.Response) -> int:
    text = response.headers.get("Retry-After", "")
    return min(int(text), MAX_WAIT_SECONDS) if text.isdecimal() else 1


def _reason(response: httpx.Response) -> str:
    """Return what an answer says is wrong, field by field, on one line."""
    try:
        said = parse(response.content)
    except MalformedJson:
        said = response.reason_phrase
    lines = list(_messages(said, ""))
    return " ".join("; ".join(lines).split())[:_SHOWN] or response.reason_phrase


def _messages(said: Any, path: str) -> list[str]:
    if isinstance(said, dict):
        fields = cast("dict[str, Any]", said)
        if set(fields) == {"detail"}:
            return _messages(fields["detail"], path)
        return [line for name, each in fields.items() for line in _messages(each, f"{path}.{name}" if path else name)]
    if isinstance(said, list):
        entries = cast("list[Any]", said)
        if all(isinstance(each, str) for each in entries):
            text = " ".join(entries)
            return [f"{path}: {text}" if path else text] if text else []
        return [line for place, each in enumerate(entries) for line in _messages(each, f"{path}[{place}]")]
    return [f"{path}: {said}" if path else str(said)]
