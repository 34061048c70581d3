"""What is reported is counted, exactly once, and the next read of entitlements has it."""

import pytest

from tests.api import subscriptions, usage
from tests.api.conftest import Client


async def test_what_is_reported_is_in_the_next_read(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    assert await usage.counted(api) == [(10, 0, 10)]
    answer = await usage.report(api, 3)
    assert {name: answer[name] for name in ("value", "customerId", "featureId", "behaviour", "eventName")} == {
        "value": 3, "customerId": "ada", "featureId": "calls", "behaviour": "DELTA", "eventName": "aggregated.usage",
    }  # fmt: skip
    assert await usage.counted(api) == [(10, 3, 7)]
    await usage.report(api, 9, behaviour="SET")
    assert await usage.counted(api) == [(10, 9, 1)]
    await usage.report(api, -4)
    assert await usage.counted(api) == [(10, 5, 5)]


async def test_each_of_a_batch_is_answered_on_its_own(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    keyed = usage.body(2, idempotencyKey="once")
    sent = [keyed, keyed, {"value": "x"}, usage.body(1, "unknown"), usage.body(3, idempotencyKey="once"), usage.body(4)]
    answer = await api.post("/report/usage/batch/", {"reports": sent})
    results = answer.json()["results"]
    assert [each["status"] for each in results] == [200, 200, 400, 400, 409, 200]
    assert results[0]["answer"] == results[1]["answer"]
    assert results[3]["errors"] == {"featureId": ["Feature does not exist."]}
    assert set(results[2]["errors"]) == {"value", "customerId", "featureId", "behaviour"}
    assert await usage.counted(api) == [(10, 6, 4)]
    again = await api.post("/report/usage/batch/", {"reports": [keyed]})
    assert again.json()["results"][0]["answer"] == results[0]["answer"]
    assert await usage.counted(api) == [(10, 6, 4)]


async def test_a_raw_event_counts_for_each_meter_whose_filters_it_passes(api: Client) -> None:
    asked = {"field": "eventName", "operator": "EQUALS", "value": "ask"}
    for name, aggregation in (("sum", {"function": "SUM", "field": "tokenCount"}), ("count", {"function": "COUNT"})):
        meter = await usage.meter_of_events(api, name, aggregation, asked)
        terms = {"value": 100, "reset": "NEVER"}
        await subscriptions.recurring(api, f"plan-{name}", 5, granting=((meter, terms),))
    await usage.subscriber(api, "plan-sum", "plan-count")
    event = {
        "customerId": "ada", "eventName": "ask", "idempotencyKey": "e1", "timestamp": usage.now(),
        "properties": {"token_count": 7},
    }  # fmt: skip
    answer = await api.post("/report/event/", event)
    assert answer.status_code == 200, answer.text
    assert {"customerId": "ada", "eventName": "ask", "properties": {"token_count": 7}}.items() <= answer.json().items()
    assert (await api.post("/report/event/", event)).json() == answer.json()
    assert (await api.post("/report/event/", event | {"eventName": "tell"})).status_code == 409
    await api.post("/report/event/", event | {"eventName": "tell", "idempotencyKey": "e2"})
    await api.post("/report/event/", event | {"idempotencyKey": "e3", "properties": {"tokenCount": 5}})
    assert await usage.counted(api, "sum") == [(100, 12, 88)]
    assert await usage.counted(api, "count") == [(100, 2, 98)]


async def test_a_key_in_the_header_is_as_good_as_one_in_the_body(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    headers = {"Idempotency-Key": "k1"}
    first, again = [await api.post("/report/usage/", usage.body(3), headers=headers) for _ in range(2)]
    assert (first.status_code, first.json()["idempotencyKey"]) == (200, "k1")
    assert again.json() == await usage.report(api, 3, idempotencyKey="k1") == first.json()
    other = await api.post("/report/usage/", usage.body(4, idempotencyKey="k1"))
    assert (other.status_code, other.json()["detail"][:35]) == (409, "This idempotencyKey belongs to anot")
    assert await usage.counted(api) == [(10, 3, 7)]


@pytest.mark.parametrize(
    ("enforce", "value", "answer", "used"),
    [
        ("reject", 4, {"counted": 4, "overflow": 0}, 10),
        ("reject", 5, None, 6),
        ("cap", 9, {"counted": 4, "overflow": 0}, 10),
        ("overflow", 9, {"counted": 9, "overflow": 5}, 15),
    ],
)
async def test_a_limit_is_enforced_where_that_is_asked_for(
    api: Client, enforce: str, value: int, answer: dict[str, int] | None, used: int
) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await usage.report(api, 6)
    sent = await api.post("/report/usage/", usage.body(value, enforce=enforce, idempotencyKey="k"))
    if answer is None:
        text = "This goes beyond what is left of the limit; nothing of it was counted."
        assert (sent.status_code, sent.json()) == (400, {"detail": text})
        # Its key is free: there may be room later.
        await usage.report(api, -1)
        await usage.report(api, value, enforce=enforce, idempotencyKey="k")
        return
    assert sent.status_code == 200
    assert answer.items() <= sent.json().items()
    assert (
        await api.post("/report/usage/", usage.body(value, enforce=enforce, idempotencyKey="k"))
    ).json() == sent.json()
    assert (await usage.counted(api))[0][1] == used


async def test_a_merchant_is_told_once_that_usage_has_reached_a_threshold(api: Client) -> None:
    await subscriptions.freeze(api)
    alerts = {"enabled": True, "thresholds": [50, 90], "thresholdType": "PERCENTAGE"}
    await usage.metered(api, usageAlerts=alerts)
    await usage.subscriber(api, "pro")
    for value in (4, 1, -3, 3, 1):
        await usage.report(api, value)
    [(_, told)] = await subscriptions.told(api, "feature.usage_alert")
    alert = told["object"]
    assert (alert["threshold_type"], alert["threshold_value"]) == ("PERCENTAGE", 50)
    assert (alert["usage_limit"], alert["current_usage"]) == (10, 5)
    assert (alert["feature"]["identifier"], alert["customer"]["customer_id"]) == ("calls", "ada")
    assert (alert["period_start_time"], alert["period_end_time"]) == ("2031-01-31T09:30:00Z", "2031-02-28T09:30:00Z")
    await usage.report(api, 100)
    await subscriptions.advance(api, "2031-03-01T00:00:00Z")
    await usage.report(api, 9)
    told = await subscriptions.told(api, "feature.usage_alert")
    assert [each["object"]["threshold_value"] for _, each in told] == [50, 90, 50, 90]


@pytest.mark.parametrize(
    ("function", "values", "expected"),
    [
        ("COUNT", [5, "x", None], 3),
        ("SUM", [5, 2.25, 2.25, -1, "x"], 9),
        ("MAX", [5, 7.5, 6], 8),
        ("LATEST", [5, 9, 6], 6),
        ("AVG", [5, 6, 8], 6),
        ("UNIQUE", ["a", "b", "a", 1, 1.0, True], 4),
    ],
)
async def test_meters_make_of_events_what_they_say(
    api: Client, function: str, values: list[object], expected: int
) -> None:
    meter = await usage.meter_of_events(api, "meter", {"function": function, "field": "howMuch"})
    await subscriptions.recurring(api, granting=((meter, {"value": 100, "reset": "EVERY_MONTH"}),))
    await usage.subscriber(api, "pro")
    for number, value in enumerate(values):
        event = {
            "customerId": "ada", "eventName": "did", "idempotencyKey": f"e{number}", "timestamp": usage.now(),
            "properties": {"how_much": value} if value is not None else {},
        }  # fmt: skip
        answer = await api.post("/report/event/", event)
        assert answer.status_code == 200, answer.text
    assert (await usage.counted(api, "meter"))[0][1] == expected
