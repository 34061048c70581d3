"""Why a customer may use a feature, or may not: said by what decides it."""

from typing import Any

from tests.api import catalog, money, usage
from tests.api import subscriptions as subs
from tests.api.conftest import Client
from tests.api.test_overrides import override


async def explained(api: Client, feature: str = "calls", customer: str = "ada") -> dict[str, Any]:
    """Return why; it says the same as what everybody else is told."""
    answer = await api.get("/entitlements/explain/", params={"customer_id": customer, "feature_id": feature})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    told = await usage.may(api, customer, feature_id=feature)
    assert [
        (each["hasAccess"], each["usageLimit"], each["remaining"]) for each in body["entitlements"]
    ] == [(each["hasAccess"], each["usageLimit"], each["remaining"]) for each in told]  # fmt: skip
    assert body["hasAccess"] == any(each["hasAccess"] for each in told)
    return body


async def rules(api: Client, feature: str = "calls") -> list[str]:
    """Return the rule of the whole, and of each subscription."""
    body = await explained(api, feature)
    return [body["rule"], *(each["rule"] for each in body["entitlements"])]


async def test_a_limit_is_explained_from_the_subscription_to_the_counter(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api)
    [subscription] = await usage.subscriber(api, "pro")
    await usage.report(api, 3)
    body = await explained(api)
    assert (body["featureType"], body["override"]) == ("METER", None)
    [entry] = body["entitlements"]
    assert entry == {
        "subscriptionId": subscription["id"], "planIdentifier": "pro", "planName": "Pro", "planVersion": 1,
        "grantedOn": "2031-01-31T09:30:00.000000Z", "endsAt": None, "value": None,
        "terms": {
            "usageLimit": 10, "hardLimit": True, "reset": "MONTHLY", "anchor": "2031-01-31T09:30:00.000000Z",
            "timeZone": "UTC", "rollover": None,
        },
        "period": {"start": "2031-01-31T09:30:00.000000Z", "end": "2031-02-28T09:30:00.000000Z"},
        "counter": {"used": 3, "held": 0, "carried": 0},
        "usageLimit": 10, "remaining": 7, "hasAccess": True,
        "rule": "The plan sets the limit, and 7 of 10 are left.",
    }  # fmt: skip
    assert body["rule"] == entry["rule"]
    await usage.report(api, 7)
    assert await rules(api) == ["The plan sets the limit, and all of 10 is used, and the limit is hard."] * 2
    await subs.advance(api, "2031-03-01T00:00:00Z")
    [entry] = (await explained(api))["entitlements"]
    assert (entry["period"]["start"], entry["counter"]["used"]) == ("2031-02-28T09:30:00.000000Z", 0)


async def test_each_kind_of_limit_has_its_rule(api: Client) -> None:
    await usage.metered(api, "soft", value=5, hardLimit=False)
    await usage.metered(api, "endless", value=None)
    await usage.subscriber(api, "soft")
    await usage.report(api, 6)
    assert (await rules(api))[1:] == ["The plan sets the limit, and all of 5 is used, but the limit is soft."]
    await subs.subscribed(api, "endless")
    assert "The plan sets no limit." in await rules(api)


async def test_an_override_is_explained_with_its_reason(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api, "pro")
    await usage.metered(api, "more", value=20)
    await usage.subscriber(api, "pro")
    # Later, so that it is drawn from later, too.
    await subs.advance(api, "2031-01-31T09:31:00Z")
    await subs.subscribed(api, "more")
    await override(api, 6, expiresAt="2031-02-10T00:00:00Z")
    body = await explained(api)
    assert body["override"] == {
        "value": 6, "reason": "Migration", "expiresAt": "2031-02-10T00:00:00.000000Z", "inForce": True,
    }  # fmt: skip
    assert sorted(each["rule"] for each in body["entitlements"]) == [
        "An override sets the limit, and 6 of 6 are left.",
        "What an override gives counts for another of their subscriptions, and the limit is hard.",
    ]
    assert {each["terms"]["usageLimit"] for each in body["entitlements"]} == {10, 20}
    await usage.report(api, 6)
    assert (await explained(api))["hasAccess"] is False
    await api.delete("/customers/ada/entitlements/calls/")
    await usage.report(api, 4)
    # Of the first of them nothing is left.
    assert await rules(api) == [
        "The plan sets the limit, and 20 of 20 are left.",
        "The plan sets the limit, and all of 10 is used, and the limit is hard.",
        "The plan sets the limit, and 20 of 20 are left.",
    ]
    await override(api, 6, expiresAt="2031-02-10T00:00:00Z")
    await subs.advance(api, "2031-02-10T00:00:00Z")
    body = await explained(api)
    assert (body["override"]["inForce"], body["hasAccess"]) == (False, True)


async def test_an_override_alone_is_explained(api: Client) -> None:
    await subs.freeze(api, "2031-01-31T09:30:00Z")
    await usage.metered(api)
    await money.customer(api)
    await override(api, 2, expiresAt="2031-02-10T00:00:00Z")
    [entry] = (await explained(api))["entitlements"]
    assert (entry["subscriptionId"], entry["planVersion"], entry["terms"]) == (None, None, None)
    assert entry["period"] == {"start": None, "end": None}
    await subs.advance(api, "2031-02-10T00:00:00Z")
    assert await rules(api) == ["The customer has no subscription in force, and its override has expired."]


async def test_a_flag_and_a_number_are_explained_too(api: Client) -> None:
    flag = await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    number = await catalog.feature(api, "CUSTOMIZABLE", identifier="seats", name="Seats")
    await subs.recurring(api, "pro", 20, granting=((flag, {"value": True}), (number, {"value": 5})))
    await usage.subscriber(api, "pro")
    assert await rules(api, "sso") == ["The plan turns it on."] * 2
    assert await rules(api, "seats") == ["The plan sets it to 5, which gives access."] * 2
    assert [each["value"] for each in (await explained(api, "seats"))["entitlements"]] == [5]
    await override(api, False, "sso")
    await override(api, 0, "seats")
    assert await rules(api, "sso") == ["An override turns it off."] * 2
    assert await rules(api, "seats") == ["An override sets it to 0, which gives no access."] * 2
    [entry] = (await explained(api, "sso"))["entitlements"]
    assert (entry["value"], entry["terms"], entry["period"], entry["counter"]) == (True, None, None, None)


async def test_what_gives_no_access_is_said(api: Client) -> None:
    await usage.metered(api)
    await catalog.feature(api, "BOOLEAN", identifier="sso", name="SSO")
    await money.customer(api, customer_id="gone")
    await api.delete("/customers/gone/")
    [subscription] = await usage.subscriber(api, "pro")
    await money.customer(api, customer_id="bob")
    for customer, feature, rule in (
        ("nobody", "calls", "There is no customer with this id."),
        ("gone", "calls", "The customer is archived."),
        ("ada", "unknown", "There is no feature with this identifier."),
        ("bob", "calls", "The customer has no subscription in force."),
        ("ada", "sso", "None of their plans grants the feature."),
    ):
        body = await explained(api, feature, customer)
        assert (body["hasAccess"], body["rule"], body["entitlements"]) == (False, rule, [])
    await subs.cancelled(api, subscription)
    assert await rules(api) == ["The customer has no subscription in force."]


async def test_a_customer_and_a_feature_have_to_be_named(api: Client) -> None:
    answer = await api.get("/entitlements/explain/?customer_id=ada")
    assert (answer.status_code, answer.json()) == (400, {"feature_id": ["This field is required."]})
    answer = await api.get("/entitlements/explain/?featureId=calls")
    assert (answer.status_code, answer.json()) == (400, {"customer_id": ["This field is required."]})
    assert (await api.get("/entitlements/explain/?customerId=ada&featureId=calls")).status_code == 200


async def test_what_was_carried_over_is_explained(api: Client) -> None:
    await subs.freeze(api, "2031-01-01T00:00:00Z")
    meter = await catalog.feature(api, identifier="calls", name="Calls")
    rollover = {"enabled": True, "percentage": 50, "limit": 30}
    sold = catalog.entry(catalog.charge(amount=1), feature=meter["id"], rollover=rollover, reset="EVERY_MONTH")
    await subs.recurring(api, "pro", 20, entries=(sold,))
    await money.customer(api)
    await subs.subscribed(api, features=[{"identifier": "calls", "quantity": 40}])
    await usage.report(api, 2)
    await subs.advance(api, "2031-02-02T00:00:00Z")
    [entry] = (await explained(api))["entitlements"]
    assert (entry["terms"]["usageLimit"], entry["terms"]["rollover"]) == (40, {"percentage": 50, "limit": 30})
    assert entry["counter"] == {"used": 0, "held": 0, "carried": 19}
    assert entry["rule"] == "The plan sets the limit, and 59 of 59 are left, with 19 carried over."
