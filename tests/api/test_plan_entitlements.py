"""What a plan grants: terms by type of feature, and what it takes over from its base plan."""

from typing import Any

import pytest

from tests.api.catalog import feature, grant, granted, plan, price, product, publish, set_prices
from tests.api.conftest import BASE, Client

PRO = "/catalog/plans/pro/"
DEFAULTS = {
    "hasUnlimitedUsage": False, "reset": "NEVER", "resetTime": None, "rollover": {}, "hardLimit": False,
    "usageAlerts": {"enabled": False, "thresholds": [], "thresholdType": "PERCENTAGE"},
    "isInherited": False, "isValueOverridden": False,
}  # fmt: skip
MONTHLY = {"reset": "EVERY_MONTH", "resetTime": "BEGINNING_OF_PERIOD"}
ALERTS = {"enabled": True, "thresholds": [75, 90], "thresholdType": "PERCENTAGE"}


async def put(api: Client, identifier: str, *entries: tuple[dict[str, Any], dict[str, Any]], **body: Any) -> Any:
    written = [{"feature": feature["id"], "details": details} for feature, details in entries]
    path = f"/catalog/plans/{identifier}/features/"
    return await api.request("PUT", path, json={"planEntitlements": written, **body})


async def test_entitlements_come_back_as_they_were_added(api: Client) -> None:
    calls, sso = await feature(api), await feature(api, "BOOLEAN", name="SSO")
    seats = await feature(api, "CUSTOMIZABLE", name="Seats")
    await plan(api)
    metered = {
        "value": 10000, "hardLimit": True, "usageAlerts": ALERTS,
        "rollover": {"enabled": True, "percentage": 50, "limit": 750}, **MONTHLY,
    }  # fmt: skip
    added = await grant(api, "pro", (calls, {**metered, "own_key": {"a_b": 1.50}}), (sso, {"value": True}))
    assert (added["identifier"], added["version"]) == ("pro", 1)
    await grant(api, "pro", (seats, {"value": 2.5}))
    assert await granted(api, "pro") == {
        "api-calls": {**DEFAULTS, **metered, "own_key": {"a_b": 1.5}},
        "sso": {**DEFAULTS, "value": True},
        "seats": {**DEFAULTS, "value": 2.5},
    }
    results = (await api.get(PRO + "features/")).json()["results"]
    assert [each["feature"] for each in results] == [calls, sso, seats]


async def test_a_patch_changes_the_terms_that_are_sent(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    await grant(api, "pro", (calls, {"value": 10000, "mine": 1, **MONTHLY}))
    change = {"value": 20000, "usage_alerts": {"enabled": True, "thresholds": [15000], "threshold_type": "BALANCE"}}
    answer = await api.patch(PRO + "features/api-calls/", {"details": change})
    assert answer.json() == {
        "feature": calls,
        "details": {
            **DEFAULTS, **MONTHLY, "value": 20000, "mine": 1,
            "usageAlerts": {"enabled": True, "thresholds": [15000], "thresholdType": "BALANCE"},
        },
    }  # fmt: skip
    unlimited = await api.patch(PRO + "features/api-calls/", {"details": {"hasUnlimitedUsage": True, "value": None,
                                                                         "usageAlerts": {}}})  # fmt: skip
    assert (unlimited.json()["details"]["value"], unlimited.json()["details"]["hasUnlimitedUsage"]) == (None, True)
    assert (await api.patch(PRO + "features/seats/", {"details": {"value": 1}})).status_code == 404


NUMBER = "Ensure this value is between"


@pytest.mark.parametrize(
    ("kind", "details", "field", "message"),
    [
        ("BOOLEAN", {}, "value", "This field is required."),
        ("BOOLEAN", {"value": 1}, "value", "Must be a valid boolean."),
        ("BOOLEAN", {"value": True, "reset": "EVERY_DAY"}, "reset", "Only METER features have this."),
        ("BOOLEAN", {"value": True, "hardLimit": True}, "hardLimit", "Only METER features have this."),
        ("BOOLEAN", {"value": "yes"}, "value", "A valid boolean or number is required."),
        ("CUSTOMIZABLE", {"value": True}, "value", "A valid number is required."),
        ("CUSTOMIZABLE", {"value": 5, "usageAlerts": ALERTS}, "usageAlerts", "Only METER features have this."),
        ("METER", {}, "value", "This field is required."),
        ("METER", {"value": 1.5}, "value", "A valid integer is required."),
        ("METER", {"value": -1}, "value", NUMBER),
        ("METER", {"value": 2**63}, "value", NUMBER),
        ("METER", {"value": 5, "reset": "EVERY_MOON"}, "reset", '"EVERY_MOON" is not a valid choice.'),
        ("METER", {"value": 5, "rollover": {"enabled": True}}, "rollover", "Rollover needs a recurring reset"),
        ("METER", {"hasUnlimitedUsage": True, "usageAlerts": ALERTS}, "usageAlerts.thresholdType", "only BALANCE"),
        ("METER", {"value": 5, "reset": "EVERY_28_DAYS", "resetTime": "BEGINNING_OF_PERIOD"}, "resetTime", "28 days"),
    ],
)
async def test_terms_that_do_not_suit_a_feature_are_refused_by_their_path(
    api: Client, kind: str, details: dict[str, Any], field: str, message: str
) -> None:
    granted_feature = await feature(api, kind)
    await plan(api)
    body = {"planEntitlements": [{"feature": granted_feature["id"], "details": details}]}
    for answer in (await api.post(PRO + "features/", body), await api.request("PUT", PRO + "features/", json=body)):
        assert answer.status_code == 400
        assert f"planEntitlements[0].details.{field}: " in answer.text
        assert message in answer.json()["planEntitlements"][0]["details"].__repr__()
    assert await granted(api, "pro") == {}


async def test_a_feature_is_granted_once_and_must_exist(api: Client) -> None:
    calls, archived = await feature(api), await feature(api, "BOOLEAN", name="Old")
    await api.delete(f"/catalog/features/{archived['id']}/")
    await plan(api)
    await grant(api, "pro", (calls, {"value": 1}))
    again = await api.post(PRO + "features/", {"planEntitlements": [{"feature": calls["id"], "details": {"value": 2}}]})
    assert again.json() == {"detail": "The plan has an entitlement to this feature already."}
    for answer in (await put(api, "pro", (archived, {"value": True})), await put(api, "pro", (calls, {"value": 1}),
                                                                                (calls, {"value": 2}))):  # fmt: skip
        assert answer.status_code == 400
        assert "planEntitlements[" in answer.text
    nobody = {"id": "0192b0f4-0000-7000-8000-000000000000"}
    assert "does not exist" in (await put(api, "pro", (nobody, {"value": True}))).text
    assert (await granted(api, "pro"))["api-calls"]["value"] == 1


async def test_an_entitlement_is_taken_away(api: Client) -> None:
    calls, sso = await feature(api), await feature(api, "BOOLEAN", name="SSO")
    await plan(api)
    await grant(api, "pro", (calls, {"value": 1}), (sso, {"value": True}))
    assert (await api.delete(PRO + "features/api-calls/")).status_code == 204
    assert (await api.delete(PRO + "features/api-calls/")).status_code == 404
    assert list(await granted(api, "pro")) == ["sso"]


async def family(api: Client) -> tuple[dict[str, Any], ...]:
    """Return API calls, SSO and seats; a published starter plan grants the first two, pro and enterprise are drafts."""
    calls, sso = await feature(api), await feature(api, "BOOLEAN", name="SSO")
    seats = await feature(api, name="Seats")
    suite = await product(api)
    for name in ("starter", "pro", "enterprise"):
        await plan(api, name, suite["id"])
    await grant(api, "starter", (calls, {"value": 1000, **MONTHLY}), (sso, {"value": False}))
    await set_prices(api, "starter", {"priceType": "FREE"})
    await publish(api, "starter")
    return calls, sso, seats


def shown(details: dict[str, dict[str, Any]]) -> dict[str, tuple[Any, bool, bool]]:
    return {name: (each["value"], each["isInherited"], each["isValueOverridden"]) for name, each in details.items()}


async def test_a_child_takes_over_what_its_base_plan_grants(api: Client) -> None:
    calls, _, seats = await family(api)
    made = await put(api, "pro", (calls, {"value": 100_000}), (seats, {"value": 5}), basePlan="starter")
    assert (made.status_code, made.json()["basePlan"]) == (200, "starter")
    inherited = {"api-calls": (100_000, True, True), "sso": (False, True, False), "seats": (5, False, False)}
    assert shown(await granted(api, "pro")) == inherited
    # While it is a draft it follows the base plan's published version; from its publishing on it stands still.
    await api.patch("/catalog/plans/starter/features/sso/", {"details": {"value": True}})
    assert shown(await granted(api, "pro"))["sso"] == (False, True, False)
    await publish(api, "starter")
    assert shown(await granted(api, "pro"))["sso"] == (True, True, False)
    await set_prices(api, "pro")
    await publish(api, "pro")
    await api.patch("/catalog/plans/starter/features/sso/", {"details": {"value": False}})
    await api.patch("/catalog/plans/starter/features/api-calls/", {"details": {"value": 1}})
    await publish(api, "starter")
    assert shown(await granted(api, "pro"))["sso"] == (True, True, False)
    # Its next draft follows again, but for what is overridden.
    await api.patch(PRO, {"name": "Pro v2"})
    assert shown(await granted(api, "pro")) == inherited
    assert shown(await granted(api, "pro", version=1))["sso"] == (True, True, False)


async def test_a_grandchild_takes_over_through_both(api: Client) -> None:
    calls, sso, seats = await family(api)
    await put(api, "pro", (calls, {"value": 100_000}), (seats, {"value": 5}), basePlan="starter")
    await set_prices(api, "pro")
    await publish(api, "pro")
    await put(api, "enterprise", (sso, {"value": True}), basePlan="pro")
    assert shown(await granted(api, "enterprise")) == {
        "api-calls": (100_000, True, False), "sso": (True, True, True), "seats": (5, True, False),
    }  # fmt: skip


async def test_what_is_inherited_is_overridden_by_a_patch_and_holds_again_when_that_is_deleted(api: Client) -> None:
    await family(api)
    await put(api, "pro", basePlan="starter")
    refused = await api.delete(PRO + "features/api-calls/")
    assert (refused.status_code, "comes from the base plan" in refused.text) == (400, True)
    patched = await api.patch(PRO + "features/api-calls/", {"details": {"value": 5}})
    assert shown({"it": patched.json()["details"]}) == {"it": (5, True, True)}
    # What was not sent is as it was inherited.
    assert patched.json()["details"]["reset"] == "EVERY_MONTH"
    assert (await api.delete(PRO + "features/api-calls/")).status_code == 204
    assert shown(await granted(api, "pro"))["api-calls"] == (1000, True, False)


async def test_what_was_read_as_inherited_can_be_sent_back(api: Client) -> None:
    calls, sso, seats = await family(api)
    await put(api, "pro", (calls, {"value": 100_000}), (seats, {"value": 5}), basePlan="starter")
    before = (await api.get(PRO)).json()
    details = await granted(api, "pro")
    entries = [(each, details[each["identifier"]]) for each in (calls, sso, seats)]
    assert (await put(api, "pro", *entries)).json() == before
    assert (await put(api, "pro", *entries, base_plan="starter")).json() == before
    alone = await put(api, "pro", *entries, basePlan=None)
    assert alone.json()["basePlan"] is None
    assert shown(await granted(api, "pro"))["sso"] == (False, False, False)


async def test_a_plan_is_not_based_on_itself_near_or_far(api: Client) -> None:
    await family(api)
    await put(api, "pro", basePlan="starter")
    await put(api, "enterprise", basePlan="pro")
    for identifier, base in (("pro", "pro"), ("starter", "enterprise"), ("pro", "enterprise"), ("pro", "nobody")):
        answer = await put(api, identifier, basePlan=base)
        assert (answer.status_code, list(answer.json())) == (400, ["basePlan"]), (identifier, base)


async def test_a_child_is_not_published_before_its_base_plan(api: Client) -> None:
    await family(api)
    await put(api, "enterprise", basePlan="pro")
    await set_prices(api, "enterprise", price())
    answer = await api.post("/catalog/plans/enterprise/publish/", {})
    assert answer.json()["detail"].startswith("The base plan pro is not published")
    discarded = await api.delete(PRO + "discard/")
    assert discarded.json() == {"detail": "Another plan is based on this one."}


async def test_what_was_read_as_inherited_and_comes_back_changed_is_an_override(api: Client) -> None:
    calls, sso, _ = await family(api)
    await put(api, "pro", basePlan="starter")
    details = await granted(api, "pro")
    changed = {**details["api-calls"], "value": 500}
    assert (await put(api, "pro", (calls, changed), (sso, details["sso"]))).status_code == 200
    assert shown(await granted(api, "pro")) == {"api-calls": (500, True, True), "sso": (False, True, False)}
    twice = await put(api, "pro", (calls, details["api-calls"]), (calls, {"value": 7}))
    assert "planEntitlements[1].feature: This feature appears more than once." in twice.text


async def test_an_archived_feature_goes_on_being_granted_but_is_not_granted_anew(api: Client) -> None:
    calls = await feature(api)
    suite = await product(api)
    for name in ("pro", "other"):
        await plan(api, name, suite["id"])
    await grant(api, "pro", (calls, {"value": 1}))
    await api.delete(f"/catalog/features/{calls['id']}/")
    assert (await api.patch(PRO + "features/api-calls/", {"details": {"value": 2}})).status_code == 200
    assert (await put(api, "pro", (calls, {"value": 3}))).status_code == 200
    assert "is archived" in (await put(api, "other", (calls, {"value": 3}))).text


async def test_keys_of_ones_own_go_by_null_and_have_a_bound(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    await grant(api, "pro", (calls, {"value": 1, "mine": "a", "none": None}))
    path = PRO + "features/api-calls/"
    changed = (await api.patch(path, {"details": {"mine": None, "more": [1]}})).json()["details"]
    assert ("mine" in changed, changed["none"], changed["more"]) == (False, None, [1])
    for name in ("a", "b"):
        answer = await api.patch(path, {"details": {name: "x" * 40_000}})
    assert answer.status_code == 400
    assert answer.json() == {"details": ["Ensure this field has no more than 64 KiB."]}


async def test_a_meters_limit_is_a_whole_number_however_it_is_written(api: Client) -> None:
    calls = await feature(api)
    await plan(api)
    body = '{"planEntitlements":[{"feature":"' + calls["id"] + '","details":{"value":5.0}}]}'
    answer = await api.http.post(f"{BASE}{PRO}features/", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 201
    assert '"value":5,' in (await api.get(PRO + "features/")).text


async def test_restoring_does_not_base_plans_on_each_other(api: Client) -> None:
    await family(api)
    await put(api, "pro", basePlan="starter")
    await set_prices(api, "pro")
    await publish(api, "pro")
    await put(api, "pro", basePlan=None)
    await publish(api, "pro")
    # A version that is only with those who bought it is in nobody's way.
    assert (await put(api, "starter", basePlan="pro")).status_code == 200
    refused = await api.post(PRO + "restore/", {"version": 1})
    assert refused.json() == {"version": ["A plan is not based on itself, near or far."]}
