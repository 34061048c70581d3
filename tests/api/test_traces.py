"""What became of a report: what was counted of it, and why not more."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.api import money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import BASE, Client

AT = "2031-01-31 09:30:00.000000"


async def traced(api: Client, key: str) -> dict[str, Any]:
    answer = await api.get(f"/report/event/{quote(key, safe='')}/")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def send(api: Client, key: str, properties: Any = None, name: str = "ask", at: str = AT) -> None:
    event = {"customerId": "ada", "eventName": name, "idempotencyKey": key, "timestamp": at, "properties": properties}
    answer = await api.post("/report/event/", event)
    assert answer.status_code == 200, answer.text


async def why_not(api: Client, key: str) -> dict[str, str]:
    return {each["featureId"]: each["reason"] for each in (await traced(api, key))["notCounted"]}


@pytest.fixture
async def subscription(api: Client) -> dict[str, Any]:
    """Ada's, which grants the meter `tokens`; the clock stands still."""
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    asked = {"field": "eventName", "operator": "EQUALS", "value": "ask"}
    meter = await usage.meter_of_events(api, "tokens", {"function": "SUM", "field": "tokenCount"}, asked)
    await subs.recurring(api, "pro", 5, granting=((meter, {"value": 100, "reset": "EVERY_MONTH"}),))
    [subscription] = await usage.subscriber(api, "pro")
    return subscription


async def test_what_was_counted_of_an_event_is_told(api: Client, subscription: dict[str, Any]) -> None:
    await usage.meter_of_events(api, "events", {"function": "COUNT"})
    await send(api, "e1", {"token_count": 7.5})
    assert await traced(api, "e1") == {
        "idempotencyKey": "e1", "customerId": "ada", "eventName": "ask", "timestamp": AT,
        "receivedOn": "2031-01-31T09:30:00.000000Z", "featureId": None, "behaviour": None, "value": None,
        "overflow": None,
        "properties": {"token_count": 7.5}, "resourceId": None,
        "counted": [
            {"featureId": "events", "subscriptionId": None, "value": 1,
             "day": "2031-01-31T09:30:00.000000Z", "late": False},
            {"featureId": "tokens", "subscriptionId": subscription["id"], "value": 7.5,
             "day": "2031-01-31T09:30:00.000000Z", "late": False},
        ],
        "notCounted": [],
    }  # fmt: skip


@pytest.mark.usefixtures("subscription")
async def test_why_a_meter_did_not_count_an_event_is_told(api: Client) -> None:
    await usage.meter_of_events(
        api, "vip", {"function": "COUNT"}, {"field": "tier", "operator": "EXISTS"},
        {"field": "tier", "operator": "IN", "value": ["gold", "silver"]},
    )  # fmt: skip
    await send(api, "told", {"tokenCount": 1, "tier": "tin"}, name="tell")
    assert await why_not(api, "told") == {
        "tokens": 'The filter `event_name EQUALS "ask"` is not passed: the event has "tell" there.',
        "vip": 'The filter `tier IN ["gold","silver"]` is not passed: the event has "tin" there.',
    }
    await send(api, "missing", {"tier": "gold"})
    assert await why_not(api, "missing") == {
        "tokens": "The property `token_count`, of which the meter takes the SUM, is missing."
    }
    await send(api, "text", {"tokenCount": "seven"})
    assert await why_not(api, "text") == {
        "tokens": 'The property `token_count`, of which the meter takes the SUM, is no number: "seven".',
        "vip": "The filter `tier EXISTS` is not passed: the event has nothing there.",
    }
    await send(api, "huge", {"tokenCount": 10**18, "tier": "x" * 300})
    reasons = await why_not(api, "huge")
    assert reasons["tokens"] == "The property `token_count` has more than 18 digits, or more than 12 decimals."
    assert len(reasons["vip"]) < 250
    await usage.meter_of_events(api, "later", {"function": "COUNT"})
    assert (await why_not(api, "missing"))["later"] == "The meter was created after the event was received."


async def test_what_was_counted_of_added_up_usage_is_told(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api)
    [subscription] = await usage.subscriber(api, "pro")
    answer = await usage.report(api, 4, resourceId="r1")
    trace = await traced(api, answer["idempotencyKey"])
    assert {
        "featureId": "calls", "behaviour": "DELTA", "value": 4, "properties": None, "resourceId": "r1",
        "eventName": "aggregated.usage", "idempotencyKey": answer["idempotencyKey"],
    }.items() <= trace.items()  # fmt: skip
    assert [(each["subscriptionId"], each["value"]) for each in trace["counted"]] == [(subscription["id"], 4)]
    await usage.report(api, 9, enforce="cap", idempotencyKey="capped")
    assert [each["value"] for each in (await traced(api, "capped"))["counted"]] == [6]
    await usage.report(api, 2, enforce="overflow", idempotencyKey="beyond")
    assert (await traced(api, "beyond"))["overflow"] == 2
    await usage.report(api, -2)
    for key, value, fields, reason in (
        ("full", 1, {"enforce": "cap"}, "Nothing was left of the limit."),
        ("zero", 0, {}, "Nothing was reported to be used."),
        ("same", 10, {"behaviour": "SET"}, "As much as that was used already, or nothing was left of the limit."),
    ):
        await usage.report(api, value, idempotencyKey=key, **fields)
        assert (await traced(api, key))["counted"] == []
        assert await why_not(api, key) == {"calls": reason}
    await usage.report(api, 0, behaviour="SET")
    await usage.report(api, -3, idempotencyKey="back")
    assert await why_not(api, "back") == {"calls": "Nothing was used that could be given back."}
    await subs.advance(api, "2031-03-01T00:00:00Z")
    await usage.report(api, 2, idempotencyKey="late", timestamp="2031-02-01 00:00:00")
    [share] = (await traced(api, "late"))["counted"]
    assert (share["late"], share["day"]) == (True, "2031-02-01T00:00:00.000000Z")


@pytest.mark.parametrize("key", ["a/b", "/", "a//b/", "batch", "50%", "?x=1#y", "naïve ☕", "two\nlines", "%2F", "..a"])
async def test_a_key_may_be_any_text(api: Client, key: str) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await money.customer(api)
    await send(api, key)
    assert (await traced(api, key))["idempotencyKey"] == key
    other = await api.get(f"/report/event/{quote(key + 'x', safe='')}/")
    assert (other.status_code, other.json()) == (404, {"detail": "Not found."})


async def test_an_unknown_key_is_not_found(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    refused = await api.post("/report/usage/", usage.body(11, enforce="reject", idempotencyKey="refused"))
    assert refused.status_code == 400
    for key in ("refused", "unknown", "%00", "%ED%A0%80", "0" * 32, quote("a\x00b"), "x" * 300):
        answer = await api.http.get(f"{BASE}/report/event/{key}/")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})
    # Nor do other paths become keys.
    await usage.report(api, 1, idempotencyKey="theirs")
    for path, method in (("/report/event/", "GET"), ("/report/event/theirs/", "POST"), ("/report/event/batch/", "PUT")):
        assert (await api.http.request(method, BASE + path)).status_code == 405


async def test_white_space_around_a_key_is_none_of_it(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await money.customer(api)
    await send(api, " spaced ")
    assert (await traced(api, " spaced "))["idempotencyKey"] == "spaced"
