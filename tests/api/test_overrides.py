"""Something may hold for one customer instead of what their plans grant; and their usage may be set to zero."""

from typing import Any

import pytest

from kelviq_server.platform.due import DueWorks, use_due_works
from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client

CALLS = "/customers/ada/entitlements/calls/"


async def override(api: Client, value: Any, feature: str = "calls", **fields: Any) -> dict[str, Any]:
    """Let a value hold for Ada, and return the answer."""
    body = {"value": value, "reason": "Migration", **fields}
    answer = await api.request("PUT", f"/customers/ada/entitlements/{feature}/", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refused(api: Client, feature: str, **body: Any) -> dict[str, Any]:
    """Return why something does not hold for Ada."""
    answer = await api.request("PUT", f"/customers/ada/entitlements/{feature}/", json={"reason": "why", **body})
    assert answer.status_code == 400, answer.text
    return answer.json()


async def test_a_limit_of_ones_own_holds_at_once_and_until_it_is_taken_back(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await usage.report(api, 8)
    answer = await override(api, 50.0)
    assert {"customerId": "ada", "featureId": "calls", "featureType": "METER", "value": 50, "reason": "Migration",
            "expiresAt": None}.items() <= answer.items()  # fmt: skip
    assert await usage.counted(api) == [(50, 8, 42)]
    await override(api, None)
    assert await usage.counted(api) == [(None, 8, None)]
    await override(api, 5)
    assert [each["hasAccess"] for each in await usage.may(api)] == [False]
    assert (await api.delete(CALLS)).status_code == 204
    assert await usage.counted(api) == [(10, 8, 2)]
    assert (await api.delete(CALLS)).status_code == 404


async def test_an_override_needs_no_subscription_and_its_limit_is_hard(api: Client) -> None:
    await usage.metered(api)
    await money.customer(api)
    await override(api, 3)
    assert await usage.counted(api) == [(3, 0, 3)]
    assert (await api.post("/report/usage/", usage.body(4, enforce="reject"))).status_code == 400
    await usage.report(api, 3)
    [entry] = await usage.may(api)
    assert (entry["remaining"], entry["hasAccess"], entry["hardLimit"], entry["resetAt"]) == (0, False, True, None)
    await subs.subscribed(api)
    assert await usage.counted(api) == [(3, 3, 0)]
    await api.delete(CALLS)
    assert await usage.counted(api) == [(10, 3, 7)]


async def test_an_override_is_one_limit_for_all_subscriptions_together(api: Client) -> None:
    await usage.metered(api, "pro", value=10)
    await usage.metered(api, "more", value=20)
    await usage.subscriber(api, "pro", "more")
    await override(api, 6)
    assert sorted(await usage.counted(api)) == [(0, 0, 0), (6, 0, 6)]
    answer = await usage.report(api, 9, enforce="cap")
    assert answer["counted"] == 6


async def test_an_override_holds_until_it_expires(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    flag = await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    assert flag["identifier"] == "sso"
    until = "2031-02-10T00:00:00Z"
    assert (await override(api, 50, expiresAt=until))["expiresAt"] == "2031-02-10T00:00:00.000000Z"
    await override(api, True, "sso", expiresAt=until)
    assert [(each["featureId"], each["usageLimit"]) for each in await usage.may(api)] == [("calls", 50), ("sso", None)]
    await subs.advance(api, until)
    assert [(each["featureId"], each["usageLimit"]) for each in await usage.may(api)] == [("calls", 10)]
    assert await refused(api, "calls", value=1, expiresAt=until) == {"expiresAt": ["This is not in the future."]}


async def test_a_flag_and_a_number_are_overridden_too(api: Client) -> None:
    flag = await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    number = await catalog.feature(api, "CUSTOMIZABLE", identifier="seats", name="Seats")
    await subs.recurring(api, "pro", 20, granting=((flag, {"value": False}), (number, {"value": 5})))
    await usage.subscriber(api, "pro")

    async def shown() -> list[tuple[str, bool, int | None]]:
        return [(each["featureId"], each["hasAccess"], each["usageLimit"]) for each in await usage.may(api)]

    assert await shown() == [("sso", False, None), ("seats", True, 5)]
    await override(api, True, "sso")
    await override(api, 0, "seats")
    assert await shown() == [("sso", True, None), ("seats", False, 0)]
    await api.delete("/customers/ada/entitlements/sso/")
    await api.delete("/customers/ada/entitlements/seats/")
    assert await shown() == [("sso", False, None), ("seats", True, 5)]


async def test_a_value_suits_the_type_of_its_feature(api: Client) -> None:
    await usage.metered(api)
    await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    await catalog.feature(api, "CUSTOMIZABLE", identifier="seats", name="Seats")
    await money.customer(api)
    assert await refused(api, "sso", value=1) == {"value": ["Must be a valid boolean."]}
    assert await refused(api, "sso", value=None) == {"value": ["Must be a valid boolean."]}
    assert await refused(api, "seats", value=None) == {"value": ["This field may not be null."]}
    assert await refused(api, "seats", value=True) == {"value": ["A valid number is required."]}
    assert await refused(api, "calls", value=1.5) == {"value": ["A valid integer is required."]}
    assert await refused(api, "calls", value="5") == {"value": ["A valid number is required."]}
    between = {"value": ["Ensure this value is between 0 and 9223372036854775807."]}
    assert await refused(api, "calls", value=-1) == between
    assert await refused(api, "calls", value=2**63) == between
    assert await refused(api, "calls") == {"value": ["This field is required."]}
    assert await refused(api, "calls", value=1, reason="") == {"reason": ["This field may not be blank."]}
    await override(api, 2.5, "seats")
    await override(api, 2**63 - 1)


@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
async def test_there_is_nothing_to_override_of_what_is_not_there(api: Client, method: str) -> None:
    await usage.metered(api)
    await money.customer(api, customer_id="gone")
    await api.delete("/customers/gone/")
    await money.customer(api)
    body = None if method == "DELETE" else {"value": 1, "reason": "why"}
    for path in ("/customers/ada/entitlements/unknown/", "/customers/bob/entitlements/calls/",
                 "/customers/gone/entitlements/calls/"):  # fmt: skip
        answer = await api.request(method, path + ("reset/" if method == "POST" else ""), json=body)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


async def test_usage_that_is_set_to_zero_leaves_the_whole_quota_again(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await usage.report(api, 9)
    answer = await api.post(CALLS + "reset/", {"reason": "Our retries"})
    assert answer.json() == {"customerId": "ada", "featureId": "calls", "previousUsage": 9}
    assert await usage.counted(api) == [(10, 0, 10)]
    await usage.report(api, 4)
    # It happened before, and is reported after.
    await usage.report(api, 1, timestamp="2031-01-31 09:29:00")
    assert await usage.counted(api) == [(10, 4, 6)]
    # Without a body.
    assert (await api.request("POST", CALLS + "reset/")).json()["previousUsage"] == 4
    await subs.advance(api, "2031-03-01T00:00:00Z")
    assert await usage.counted(api) == [(10, 0, 10)]


async def test_values_that_a_meter_told_apart_are_new_again_once_it_is_set_to_zero(api: Client) -> None:
    meter = await usage.meter_of_events(api, "users", {"function": "UNIQUE", "field": "user"})
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await subs.recurring(api, "pro", 5, granting=((meter, {"value": 9, "reset": "EVERY_MONTH"}),))
    await usage.subscriber(api, "pro")

    async def seen(*users: str) -> list[tuple[int | None, int, int | None]]:
        for user in users:
            at = (await api.get("/sandbox/clock/")).json()["now"]
            event = {
                "customerId": "ada", "eventName": "login", "idempotencyKey": f"{user} {at}", "timestamp": at,
                "properties": {"user": user},
            }  # fmt: skip
            assert (await api.post("/report/event/", event)).status_code == 200
        return await usage.counted(api, "users")

    assert await seen("a", "b") == [(9, 2, 7)]
    await subs.advance(api, "2031-02-01T10:00:00Z")
    assert await seen("b", "c") == [(9, 3, 6)]
    await subs.advance(api, "2031-02-01T12:00:00Z")
    assert (await api.post("/customers/ada/entitlements/users/reset/", {})).json()["previousUsage"] == 3
    assert await seen("b", "c") == [(9, 2, 7)]
    await subs.advance(api, "2031-02-01T14:00:00Z")
    assert await seen("b", "d") == [(9, 3, 6)]


async def test_only_a_meter_is_set_to_zero(api: Client) -> None:
    await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    await money.customer(api)
    answer = await api.post("/customers/ada/entitlements/sso/reset/", {})
    assert answer.json() == {"featureId": ["This feature is not a METER: nothing is used of it."]}


async def test_overrides_and_resets_are_on_the_customers_timeline(api: Client) -> None:
    await usage.metered(api)
    await usage.subscriber(api, "pro")
    await override(api, 50)
    await override(api, 50)
    await usage.report(api, 7)
    await api.post(CALLS + "reset/", {"reason": "Our retries"})
    await api.delete(CALLS)
    told = await subs.told(api, *(f"entitlement.{what}" for what in ("overridden", "override_removed", "usage_reset")))
    assert [(kind, data["object"].get("value"), data["object"]["reason"]) for kind, data in told] == [
        ("entitlement.overridden", 50, "Migration"),
        ("entitlement.usage_reset", None, "Our retries"),
        ("entitlement.override_removed", 50, "Migration"),
    ]
    assert told[1][1]["object"]["previous_usage"] == 7
    timeline = (await api.get("/webhook/events/?customer_id=ada")).json()["results"]
    kinds = [event["type"] for event in timeline if event["type"].startswith("entitlement.")]
    assert kinds == [kind for kind, _ in told]
    other = (await api.get("/webhook/events/?customer_id=bob&type=entitlement.overridden")).json()["results"]
    assert other == []


async def test_alerts_come_again_once_usage_is_set_to_zero(api: Client) -> None:
    alerts = {"enabled": True, "thresholdType": "PERCENTAGE", "thresholds": [50]}
    await usage.metered(api, usageAlerts=alerts)
    await usage.subscriber(api, "pro")
    await usage.report(api, 6)
    await usage.report(api, 1)
    await api.post(CALLS + "reset/", {})
    await usage.report(api, 6)
    told = await subs.told(api, "feature.usage_alert")
    assert [data["object"]["current_usage"] for _, data in told] == [6, 6]


async def test_what_was_used_of_a_plan_that_was_left_is_set_to_zero_too(api: Client) -> None:
    await usage.metered(api)
    await subs.recurring(api, "less", 1)
    [subscription] = await usage.subscriber(api, "pro")
    await usage.report(api, 9)
    left = await subs.updated(api, subscription, "less")
    assert (await api.post(CALLS + "reset/", {})).json()["previousUsage"] == 0
    await subs.updated(api, left, "pro")
    assert await usage.counted(api) == [(10, 0, 10)]


async def test_an_override_holds_at_the_very_end_of_a_subscription_too(api: Client) -> None:
    await subs.freeze(api)
    await usage.metered(api)
    [bought] = await usage.subscriber(api, "pro")
    await override(api, 500)
    await subs.cancelled(api, bought, "CURRENT_PERIOD_ENDS")
    # Before anybody notes that it is over.
    use_due_works(DueWorks(()))
    await api.post("/sandbox/clock/", {"now": "2031-02-28T09:30:00Z"})
    assert await usage.counted(api) == [(500, 0, 500)]
    answer = await usage.report(api, 400, enforce="reject")
    assert answer["counted"] == 400
    await subs.advance(api, "2031-02-28T09:31:00Z")
    assert await usage.counted(api) == [(500, 400, 100)]
