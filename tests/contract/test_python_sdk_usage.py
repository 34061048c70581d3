"""Usage and entitlements by the official Python client, unchanged, with its cache and its queue, and without."""

from collections.abc import AsyncIterator, Iterator
from inspect import isawaitable
from typing import Any

import httpx
import pytest
from kelviq_sdk import InvalidRequestError, Kelviq

from tests.contract.merchant import buyer, merchant, sell_metered
from tests.contract.server import Server

# The client itself was written for an older Pydantic.
pytestmark = pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince212")


class Line:
    """The network between the client and the server, which may be down, or lose answers."""

    is_down = False
    loses_answers = False

    def _begin(self, request: httpx.Request) -> None:
        if self.is_down:
            raise httpx.ConnectError("no network", request=request)

    def _end(self, request: httpx.Request) -> None:
        if self.loses_answers:
            raise httpx.ReadTimeout("no answer", request=request)


class SyncLine(Line, httpx.HTTPTransport):
    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._begin(request)
        response = super().handle_request(request)
        self._end(request)
        return response


class AsyncLine(Line, httpx.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._begin(request)
        response = await super().handle_async_request(request)
        self._end(request)
        return response


class Client:
    """The client in one of its two ways, with the line that it uses."""

    def __init__(self, way: str, url: str, key: str, **options: Any) -> None:
        self.line: Any = SyncLine() if way == "sync" else AsyncLine()
        create = Kelviq.create_sync_client if way == "sync" else Kelviq.create_async_client
        # The cache is the client's own affair: here it is to ask each time, unless it cannot.
        self.sdk = create(
            access_token=key, base_url=url, edge_api_url=url, transport=self.line, **{"cache_ttl": 0.0, **options}
        )

    async def __call__(self, name: str, **arguments: Any) -> Any:
        part, _, method = name.partition(".")
        result = getattr(getattr(self.sdk, part), method)(**arguments)
        return await result if isawaitable(result) else result

    async def used(self) -> int | None:
        """Return what was used, as the client has it."""
        found = await self("entitlements.get_entitlement", customerId="ada", featureId="calls")
        return found.currentUsage

    async def close(self) -> None:
        closed = self.sdk.aclose() if isinstance(self.line, AsyncLine) else self.sdk.close()
        if isawaitable(closed):
            await closed

    async def report(self, value: int, behaviour: str = "DELTA") -> Any:
        return await self(
            "reporting.report_usage", value=value, customerId="ada", featureId="calls", behaviour=behaviour
        )


@pytest.fixture
def api(server: Server, sandbox: str) -> Iterator[httpx.Client]:
    """A sandbox that sells meters, and a customer who has bought them, by raw HTTP."""
    with merchant(server.url, sandbox) as api:
        sell_metered(api)
        buyer(api, "ada")
        body = {"planIdentifier": "metered", "chargePeriod": "MONTHLY", "customerId": "ada"}
        api.post("/subscriptions/create/", json=body).raise_for_status()
        yield api


@pytest.fixture
async def cached(way: str, server: Server, sandbox: str, api: httpx.Client) -> AsyncIterator[Client]:
    """The client of that sandbox, as it is made without options."""
    client = Client(way, server.url, sandbox)
    yield client
    await client.close()


@pytest.fixture(params=[True, False], ids=["cached", "uncached"])
async def client(
    request: pytest.FixtureRequest, way: str, server: Server, sandbox: str, api: httpx.Client
) -> AsyncIterator[Client]:
    """The client of that sandbox, with its cache on, and off."""
    client = Client(way, server.url, sandbox, enable_cache=request.param)
    yield client
    await client.close()


def counted(api: httpx.Client, feature: str) -> int:
    """Return what was used, as the server has it."""
    answer = api.get("/entitlements/", params={"customer_id": "ada", "feature_id": feature})
    return answer.json()["entitlements"][0]["currentUsage"]


async def test_what_is_reported_decides_what_a_customer_may_do(client: Client) -> None:
    assert await client("entitlements.has_access", customerId="ada", featureId="calls")
    answer = await client.report(60)
    assert (answer.value, answer.customerId, answer.featureId, answer.behaviour) == (60, "ada", "calls", "DELTA")
    assert (answer.eventName, answer.orgId.isdigit(), answer.idempotencyKey != "") == ("aggregated.usage", True, True)
    found = await client("entitlements.get_entitlement", customerId="ada", featureId="calls")
    assert (found.featureType, found.hasAccess, found.hardLimit) == ("METER", True, True)
    assert (found.usageLimit, found.currentUsage, found.remaining) == (100, 60, 40)
    [item] = found.items
    assert item.resetAt == "2031-05-01 00:00:00"
    await client.report(100, "SET")
    assert not await client("entitlements.has_access", customerId="ada", featureId="calls")
    everything = await client("entitlements.get_entitlements", customerId="ada")
    assert {name: each.hasAccess for name, each in everything.items()} == {
        "calls": False, "tokens": True, "sso": True, "projects": True,
    }  # fmt: skip
    raw = await client("entitlements.get_raw_entitlements", customerId="ada")
    assert raw.customerId == "ada"
    assert [each.featureId for each in raw.entitlements] == ["sso", "projects", "calls", "tokens"]
    assert everything["projects"].usageLimit == 7
    assert await client("entitlements.get_entitlement", customerId="ada", featureId="unknown") is None


async def test_an_event_is_counted_once_whatever_the_client_does(client: Client) -> None:
    event = {
        "customerId": "ada", "eventName": "asked", "idempotencyKey": "45f05c73", "resourceId": "model-1",
        "timestamp": "2031-04-01 00:00:00.000000", "properties": {"tokenCount": 12},
    }  # fmt: skip
    first = await client("reporting.report_event", **event)
    again = await client("reporting.report_event", **event)
    assert first == again
    assert (first.idempotencyKey, first.resourceId) == ("45f05c73", "model-1")
    assert (first.timestamp, first.properties) == ("2031-04-01 00:00:00.000000", {"tokenCount": 12})
    found = await client("entitlements.get_entitlement", customerId="ada", featureId="tokens")
    assert (found.usageLimit, found.currentUsage) == (None, 12)


async def test_what_is_wrong_is_told(client: Client) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        await client("reporting.report_usage", value=1, customerId="nobody", featureId="calls", behaviour="DELTA")
    assert "Customer does not exist." in str(refused.value.details)


async def test_what_could_not_be_sent_is_sent_later_and_in_order(cached: Client, api: httpx.Client) -> None:
    await cached.report(5)
    assert await cached.used() == 5
    cached.line.is_down = True
    for value, behaviour in ((10, "SET"), (3, "DELTA")):
        queued = await cached.report(value, behaviour)
        assert (queued.value, queued.orgId) == (value, "")
    # Meanwhile it goes by what it knows.
    assert await cached.used() == 13
    cached.line.is_down = False
    assert await cached("reporting.flush") == 0
    assert await cached.used() == counted(api, "calls") == 13


async def test_an_event_whose_answer_got_lost_is_replayed_and_counted_once(cached: Client, api: httpx.Client) -> None:
    cached.line.loses_answers = True
    await cached(
        "reporting.report_event", customerId="ada", eventName="asked", idempotencyKey="lost",
        timestamp="2031-04-01 00:00:00.000000", properties={"tokenCount": 7},
    )  # fmt: skip
    assert counted(api, "tokens") == 7
    cached.line.loses_answers = False
    assert await cached("reporting.flush") == 0
    assert counted(api, "tokens") == 7
