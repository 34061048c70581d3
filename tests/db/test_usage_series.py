"""A series is made of what stands day by day, whatever became of it since."""

from typing import Any

import pytest

from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client

# A Wednesday.
NEW_YEAR = "2031-01-01T12:00:00Z"


async def series(api: Client, feature: str, granularity: str = "day", **query: str) -> dict[str, Any]:
    """Return what was used, by the first days of the points in which anything was."""
    named = {"customer_id": "ada", "feature_id": feature, "granularity": granularity}
    answer = await api.get("/usage/", params=named | query)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert all(one["end"] == other["start"] for one, other in zip(body["points"], body["points"][1:], strict=False))
    return {each["start"].removesuffix("T00:00:00Z"): each["value"] for each in body["points"] if each["value"]}


async def send(api: Client, number: int, at: str, value: Any) -> None:
    event = {
        "customerId": "ada", "eventName": "x", "idempotencyKey": f"{number}", "timestamp": at,
        "properties": {"n": value},
    }  # fmt: skip
    answer = await api.post("/report/event/", event)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("function", "by_day", "by_week", "by_month"),
    [
        ("COUNT", [2, 1, 2, 1], [3, 3], [6]),
        ("SUM", [7.5, 1, 6, 4], [8.5, 10], [18.5]),
        ("MAX", [5, 1, 4, 4], [5, 4], [5]),
        ("LATEST", [2.5, 1, 2, 4], [1, 4], [4]),
        ("AVG", [3.75, 1, 3, 4], [2.833333333333, 3.333333333333], [3.083333333333]),
        ("UNIQUE", [2, 1, 2, 1], [3, 2], [5]),
    ],
)
async def test_each_meter_aggregates_its_own_way(
    api: Client, function: str, by_day: list[Any], by_week: list[Any], by_month: list[Any]
) -> None:
    await subs.freeze(api, "2031-01-31T00:00:00Z")
    field = {} if function == "COUNT" else {"field": "n"}
    await usage.meter_of_events(api, "meter", {"function": function, **field})
    await money.customer(api)
    for number, (at, value) in enumerate(
        (
            ("2031-01-01 00:00:00", 5), ("2031-01-01 23:59:59.999999", 2.5), ("2031-01-05 10:00:00", 1),
            ("2031-01-06 10:00:00", 4), ("2031-01-06 11:00:00", 2), ("2031-01-12 10:00:00", 4),
        )
    ):  # fmt: skip
        await send(api, number, at, value)
    days = ["2031-01-01", "2031-01-05", "2031-01-06", "2031-01-12"]
    within = {"from": "2031-01-01", "to": "2031-01-12"}
    assert await series(api, "meter", **within) == dict(zip(days, by_day, strict=True))
    assert await series(api, "meter", "week", **within) == dict(zip(["2030-12-30", "2031-01-06"], by_week, strict=True))
    assert await series(api, "meter", "month", **within) == dict(zip(["2031-01-01"], by_month, strict=True))
    # What begins and ends elsewhere has only what is within.
    assert list((await series(api, "meter", **{"from": "2031-01-02", "to": "2031-01-06"})).items()) == list(
        zip(days[1:3], by_day[1:3], strict=True)
    )


async def test_usage_of_all_subscriptions_stands_where_it_happened(api: Client) -> None:
    await subs.freeze(api, NEW_YEAR)
    await usage.metered(api, "pro", value=10)
    await usage.metered(api, "more", value=20)
    await money.customer(api)
    await usage.report(api, 3)
    await subs.advance(api, "2031-01-02T12:00:00Z")
    for plan in ("pro", "more"):
        await subs.subscribed(api, plan)
    await usage.report(api, 25)
    await subs.advance(api, "2031-02-10T12:00:00Z")
    await usage.report(api, 2, timestamp="2031-01-03T00:00:00Z")
    await api.post("/customers/ada/entitlements/calls/reset/", {})
    await usage.report(api, 1)
    assert await series(api, "calls", **{"from": "2031-01-01"}) == {
        "2031-01-01": 3, "2031-01-02": 25, "2031-01-03": 2, "2031-02-10": 1,
    }  # fmt: skip
    assert await series(api, "calls", "month") == {"2031-01-01": 30, "2031-02-01": 1}


async def test_a_value_shows_when_it_was_used_and_not_when_something_began_to_grant_it(api: Client) -> None:
    await subs.freeze(api, NEW_YEAR)
    meter = await usage.meter_of_events(api, "users", {"function": "UNIQUE", "field": "n"})
    await subs.recurring(api, "pro", 5, granting=((meter, {"value": 9, "reset": "NEVER"}),))
    await money.customer(api)
    await send(api, 1, NEW_YEAR, "grace")
    await subs.advance(api, "2031-01-03T12:00:00Z")
    await subs.subscribed(api)
    await send(api, 2, "2031-01-03T12:00:00Z", "alan")
    assert await usage.counted(api, "users") == [(9, 2, 7)]
    assert await series(api, "users") == {"2031-01-01": 1, "2031-01-03": 1}
    assert await series(api, "users", "month") == {"2031-01-01": 2}


async def test_a_series_ends_today_by_the_clock_of_the_tenant(api: Client) -> None:
    await subs.freeze(api, NEW_YEAR)
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    answer = (await api.get("/usage/?customerId=ada&featureId=calls")).json()
    assert (len(answer["points"]), answer["points"][-1]) == (
        30, {"start": "2031-01-01T00:00:00Z", "end": "2031-01-02T00:00:00Z", "value": 0},
    )  # fmt: skip
    assert {"customerId": "ada", "featureId": "calls", "aggregation": "SUM", "granularity": "day"}.items() <= (
        answer.items()
    )


async def test_a_series_that_cannot_be_made_is_refused(api: Client) -> None:
    await usage.metered(api)
    await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    await money.customer(api)
    day, year = "Enter a valid date.", "These are more than 400 points: ask for less time, or for longer points."
    for query, errors in (
        ("customer_id=ada", {"feature_id": ["This field is required."]}),
        ("feature_id=calls", {"customer_id": ["This field is required."]}),
        ("customer_id=ada&feature_id=calls&from=yesterday", {"from": [day]}),
        ("customer_id=ada&feature_id=calls&to=9999-12-31", {"to": [day]}),
        ("customer_id=ada&feature_id=calls&from=0001-01-01", {"from": [day]}),
        ("customer_id=ada&feature_id=calls&from=2031-01-02&to=2031-01-01", {"to": ["This is before `from`."]}),
        ("customer_id=ada&feature_id=calls&from=2029-01-01&to=2031-01-01", {"granularity": [year]}),
        ("customer_id=ada&feature_id=calls&granularity=hour", {"granularity": ['"hour" is not a valid choice.']}),
        ("customer_id=ada&feature_id=sso", {"featureId": ["This feature is not a METER: nothing is used of it."]}),
    ):
        answer = await api.get(f"/usage/?{query}")
        assert (answer.status_code, answer.json()) == (400, errors), query
    for query in ("customer_id=bob&feature_id=calls", "customer_id=ada&feature_id=unknown"):
        assert (await api.get(f"/usage/?{query}")).status_code == 404
